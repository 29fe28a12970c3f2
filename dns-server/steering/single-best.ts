import type { Candidate, Policy } from "./policy.ts";
import { lessMargin } from "./threshold.ts";

/**
 * The target with the lowest load. Another one takes its place only when it is better by the margin. Targets without a load are given when
 * none has one, and then all of them: nothing is known to be the best.
 */
export const SingleBest: Policy = {
  verdict: "not the best",
  decide(candidates, { margin }, before) {
    const incumbent = lowest(candidates.filter(({ key }) => !before.has(key)));
    const challenger = lowest(candidates.filter(({ key }) => before.has(key)));
    const best = !incumbent || (challenger && challenger.load < lessMargin(incumbent.load, margin)) ? challenger : incumbent;
    return { held: new Set(best ? candidates.flatMap(({ key }) => (key === best.key ? [] : [key])) : []) };
  },
};

function lowest(candidates: readonly Candidate[]): { key: string; load: number } | undefined {
  let best: { key: string; load: number } | undefined;
  for (const { key, load } of candidates)
    if (load !== undefined && (!best || load < best.load || (load === best.load && key < best.key))) best = { key, load };
  return best;
}
