/** What workloads that roll out pods have in common. */

import { numberAt, objectAt, type KubeObject } from "../objects.ts";
import { podsReasons } from "./pod.ts";
import { labelSelector } from "./selector.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

/** Answers one of the counts in the workload's status. */
export type Count = (name: string) => number;

/**
 * Waits for a rollout, and explains a delay by the workload's own reasons and those of its pods.
 * @param open what the rollout still waits for, or undefined when it is complete
 * @param reasons what the workload's status has to say of problems
 */
export function rollout(
  open: (object: KubeObject, count: Count) => string | undefined,
  reasons: (object: KubeObject) => readonly string[] = () => [],
): Awaiter {
  return {
    related: (object) => [{ kind: "pods", query: labelSelector(objectAt(object, "spec", "selector")) }],
    status(object, { pods }) {
      const count: Count = (name) => numberAt(object, "status", name) ?? 0;
      const seen = count("observedGeneration") >= (numberAt(object, "metadata", "generation") ?? 1);
      const step = seen ? open(object, count) : "the controller has not seen the change yet";
      return step === undefined ? ready : waiting(step, [...reasons(object), ...podsReasons(pods)]);
    },
  };
}
