import { Burden, mostHeld } from "./capacity.ts";
import { absent, type Memory, type Policy, type PolicySettings } from "./policy.ts";
import { short, thresholdOf, type Threshold } from "./threshold.ts";
import { consider, isMute, noteOfUnseen, staying, worstFirst, type Considered } from "./unseen.ts";

/**
 * Rounds that a target is held back at least the first time; each further time it is so many more, up to the most. As the outlier detection
 * of Envoy has it: base_ejection_time x the number of ejections, up to max_ejection_time.
 */
const HOLD = 1;
const MOST_HOLD = 10;
/** Rounds of being given after which a time of being held back is forgiven. */
const FORGIVE = 12;
/** Rounds after which the look-ups of who is held back have gone to others: an interval of scrapes, a TTL and one more. */
const TAKE_OVER = 3;

const holdOf = ({ times }: Memory): number => Math.min(HOLD * times, MOST_HOLD);

const isMoving = ({ before: { held } }: Considered): boolean => held < TAKE_OVER;

/** All but those above the threshold, as long as the others can bear it. Without a load a target stays what it was. */
export const RoundRobin: Policy = {
  verdict: "overloaded",
  next(before, candidates, settings) {
    const all = consider(before, candidates);
    const threshold = thresholdOf(
      settings.threshold,
      all.flatMap(({ load }) => load ?? []),
      settings.margin,
    );
    const notes = new Map<string, string>();
    const held = hold(all, threshold, settings, notes);
    const memories = new Map(absent(before, candidates));
    for (const considered of all) memories.set(considered.key, remember(considered, held.has(considered.key)));
    return { memories, held, threshold, notes };
  },
};

function hold(all: readonly Considered[], threshold: Threshold | undefined, { maxHeld }: PolicySettings, notes: Map<string, string>): Set<string> {
  const most = mostHeld(all.length, maxHeld);
  const out = worstFirst(
    staying(all, (load, before) => before.held < holdOf(before) || threshold === undefined || load > threshold.readmission),
  );
  const staysOut = new Set(out);
  const burden = new Burden(all.filter((one) => !staysOut.has(one)));
  for (const one of out) if (isMoving(one)) burden.addMoving(one);
  const isTooMuch = (): boolean => out.length > most || (threshold !== undefined && (burden.load() ?? -Infinity) > threshold.value);
  // when those left have too much by now, the best of those out help them
  while (out.length > 0 && isTooMuch()) {
    const freed = out.pop()!;
    burden.give(freed, isMoving(freed));
    notes.set(freed.key, "was held back, and is given since the others cannot do without it");
  }
  if (threshold) {
    const isOver = (one: Considered): boolean => one.before.held === 0 && (isMute(one) || (one.load !== undefined && one.load > threshold.value));
    for (const one of worstFirst(all.filter(isOver))) {
      const load = burden.without(one) ?? Infinity;
      const why = one.load === undefined ? "has no load any more" : "is above the threshold";
      if (out.length >= most) notes.set(one.key, `${why}, and is given: of ${all.length} at most ${most} may be held back at once`);
      // once it is out the others may have up to the threshold: between the two nothing changes
      else if (load > threshold.readmission)
        notes.set(one.key, `${why}, and is given: the others would get ${short(load)} each by taking over its look-ups`);
      else {
        burden.take(one);
        out.push(one);
      }
    }
  }
  for (const one of out)
    if (one.load === undefined) notes.set(one.key, noteOfUnseen(one));
    else if (threshold && one.load <= threshold.readmission)
      notes.set(one.key, `is held back for ${Math.max(1, holdOf(one.before) - one.before.held)} more rounds at least`);
  return new Set(out.map(({ key }) => key));
}

function remember({ load, before }: Considered, isHeld: boolean): Memory {
  const missing = load === undefined ? before.missing + 1 : 0;
  if (isHeld) {
    const times = before.held > 0 ? before.times : Math.min(before.times + 1, MOST_HOLD / HOLD);
    return { missing, held: before.held + 1, times, calm: 0 };
  }
  const isForgiven = before.calm + 1 >= FORGIVE;
  return { missing, held: 0, times: isForgiven ? Math.max(0, before.times - 1) : before.times, calm: isForgiven ? 0 : before.calm + 1 };
}
