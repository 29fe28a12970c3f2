import { mean, mostHeld } from "./capacity.ts";
import { remembered, type Policy } from "./policy.ts";
import { consider, isMute, noteOfUnseen, staying, worstFirst, type Considered } from "./unseen.ts";

/** At most so many are held back: what each of the others gets more than before is a half at the most. */
const SHARE = 1 / 3;
/** Who is held back has so much more than the average, as a share of it; it comes back at the average. */
const ABOVE = 0.2;

/**
 * All but the most loaded third, of which only those that have clearly more than the average: no threshold is needed, and who is left out is
 * another one in each few rounds. In the simulation (`npm run sim:steering`) it evens out loads better than the others.
 */
export const LeastLoaded: Policy = {
  verdict: "overloaded",
  next(before, candidates, { maxHeld }) {
    const all = consider(before, candidates);
    const known = all.flatMap(({ load }) => load ?? []);
    const average = known.length > 0 ? mean(known) : undefined;
    const limit = average === undefined ? Infinity : average + Math.abs(average) * ABOVE;
    const isOver = (one: Considered): boolean =>
      one.before.held === 0 && average !== undefined && (isMute(one) || (one.load !== undefined && one.load > limit));
    const wanted = worstFirst([...staying(all, (load) => average === undefined || load > average), ...all.filter(isOver)]);
    const out = wanted.slice(0, mostHeld(all.length, Math.min(SHARE, maxHeld)));
    const held = new Set(out.map(({ key }) => key));
    const notes = new Map(out.flatMap((one): [string, string][] => (one.load === undefined ? [[one.key, noteOfUnseen(one)]] : [])));
    const threshold = average === undefined ? undefined : { value: limit, readmission: average, how: `1.2 x the average of ${known.length}` };
    return { memories: remembered(before, all, held), held, threshold, notes };
  },
};
