import type { SteeringSpec } from "../model/domain.ts";
import { LeastLoaded } from "./least-loaded.ts";
import type { Policy } from "./policy.ts";
import { RoundRobin } from "./round-robin.ts";
import { SingleBest } from "./single-best.ts";

/** By the names that annotations have for them. */
export const policies: Readonly<Record<SteeringSpec["policy"], Policy>> = {
  "round-robin": RoundRobin,
  "single-best": SingleBest,
  "least-loaded": LeastLoaded,
};
