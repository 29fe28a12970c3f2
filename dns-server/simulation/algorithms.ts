import { absent, inOrder, NEW, type Candidate, type Memories, type Policy, type Round } from "../steering/policy.ts";
import { thresholdOf } from "../steering/threshold.ts";

/** Algorithms that are not shipped, to compare those with that are. */

function roundOf(before: Memories, candidates: readonly Candidate[], held: ReadonlySet<string>): Round {
  const memories = new Map(absent(before, candidates));
  for (const { key } of candidates) {
    const memory = before.get(key) ?? NEW;
    memories.set(key, { ...memory, held: held.has(key) ? memory.held + 1 : 0 });
  }
  return { memories, held: held.size === candidates.length ? new Set() : held, notes: new Map() };
}

/** Out above the threshold, in again below it by the margin: no floor, no patience, and no memory of who has no load. */
export const PlainThreshold: Policy = {
  verdict: "overloaded",
  next(before, candidates, { threshold: spec, margin }) {
    const threshold = thresholdOf(
      spec,
      candidates.flatMap(({ load }) => load ?? []),
      margin,
    );
    const isHeld = ({ key, load }: Candidate): boolean =>
      threshold !== undefined && load !== undefined && load > ((before.get(key)?.held ?? 0) > 0 ? threshold.readmission : threshold.value);
    return roundOf(before, candidates, new Set(candidates.filter(isHeld).map(({ key }) => key)));
  },
};

/** Given in a share of rounds that is as the inverse of the load, over the highest of these. */
export function inverseLoad(): Policy {
  /** What each is owed of being given. */
  const credits = new Map<string, number>();
  return {
    verdict: "overloaded",
    next(before, candidates) {
      const least = Math.min(...candidates.map(({ load }) => Math.max(load ?? Infinity, 1e-3)));
      const held = new Set<string>();
      for (const { key, load } of candidates) {
        const credit = (credits.get(key) ?? 0) + (load === undefined ? 1 : least / Math.max(load, 1e-3));
        if (credit < 1 - 1e-9) held.add(key);
        credits.set(key, held.has(key) ? credit : credit - 1);
      }
      return roundOf(before, candidates, held);
    },
  };
}

/** Of each two neighbours in a circle that is turned every round the one with the lower load. */
export function twoChoices(): Policy {
  let round = 0;
  return {
    verdict: "overloaded",
    next(before, candidates) {
      const sorted = inOrder(candidates);
      const step = 1 + (round++ % Math.max(1, sorted.length >> 1));
      const free = new Set(sorted.keys());
      const held = new Set<string>();
      for (const i of free) {
        const other = (i + step) % sorted.length;
        free.delete(i);
        if (!free.delete(other)) continue;
        const [a, b] = [sorted[i]!, sorted[other]!];
        held.add((a.load ?? 0) <= (b.load ?? 0) ? b.key : a.key);
      }
      return roundOf(before, candidates, held);
    },
  };
}
