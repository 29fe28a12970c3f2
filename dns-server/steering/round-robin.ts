import type { Policy } from "./policy.ts";
import { thresholdOf } from "./threshold.ts";

/** All but those above the threshold. Without a load a target is not known to be overloaded. */
export const RoundRobin: Policy = {
  verdict: "overloaded",
  decide(candidates, { threshold: spec, margin }, before) {
    const held = new Set<string>();
    const threshold = thresholdOf(
      spec,
      candidates.flatMap(({ load }) => (load === undefined ? [] : [load])),
      margin,
    );
    if (!threshold) return { held };
    for (const { key, load } of candidates)
      if (load !== undefined && load > (before.has(key) ? threshold.readmission : threshold.value)) held.add(key);
    return { held, threshold };
  },
};
