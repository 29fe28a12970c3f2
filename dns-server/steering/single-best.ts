import { FORGET, inOrder, remembered, type Candidate, type Memories, type Policy, type PolicySettings } from "./policy.ts";
import { mean } from "./capacity.ts";
import { lessMargin, thresholdOf } from "./threshold.ts";

/**
 * The target with the lowest load. Another one takes its place only when it is better by the margin. With an absolute threshold it is as
 * many of the best as carry all load below that. Targets without a load are given when none has one, and then all of them: nothing is known
 * to be the best.
 */
export const SingleBest: Policy = {
  verdict: "not the best",
  next(before, candidates, settings) {
    const all = inOrder(candidates);
    const known = all.flatMap(({ key, load }) => (load === undefined ? [] : [{ key, load }]));
    const wasHeld = (key: string): boolean => (before.get(key)?.held ?? 0) > 0;
    const held = new Set<string>();
    if (known.length > 0) {
      const rank = ({ key, load }: { key: string; load: number }): number => (wasHeld(key) ? load : lessMargin(load, settings.margin));
      const sorted = known.toSorted((a, b) => rank(a) - rank(b) || Number(wasHeld(a.key)) - Number(wasHeld(b.key)));
      const chosen = new Set(sorted.slice(0, needed(known, before, settings)).map(({ key }) => key));
      for (const { key } of all) if (!chosen.has(key)) held.add(key);
    } else if (keepsChoice(all, before)) for (const { key } of all) if (wasHeld(key) || !before.has(key)) held.add(key);
    return { memories: remembered(before, all, held), held, notes: new Map() };
  },
};

/** An answer without any load frees nobody at once: the last choice stays for a while, as long as it is there. */
const keepsChoice = (all: readonly Candidate[], before: Memories): boolean =>
  [...before.values()].some(({ held }) => held > 0) &&
  all.some(({ key }) => before.get(key)?.held === 0) &&
  all.some(({ key }) => (before.get(key)?.missing ?? FORGET) + 1 < FORGET);

/** How many it takes: one, unless it is said what one may carry. One fewer only by the margin. */
function needed(known: readonly { key: string; load: number }[], before: Memories, { threshold: spec, margin }: PolicySettings): number {
  if (spec.kind !== "absolute") return 1;
  const threshold = thresholdOf(spec, [], margin);
  const total = mean(known.map(({ load }) => load)) * known.length;
  const atMost = (limit: number): number => (limit > 0 ? Math.min(known.length, Math.max(1, Math.ceil(total / limit - 1e-9))) : 1);
  const given = known.filter(({ key }) => before.get(key)?.held === 0).length;
  const enough = atMost(threshold!.value);
  return given > enough ? Math.min(given, atMost(threshold!.readmission)) : enough;
}
