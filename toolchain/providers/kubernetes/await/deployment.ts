/** Deployments: ready when the newest revision has all its replicas available and nothing else is left. */

import { condition, conditionIsTrue, numberAt, objectAt, textAt, type KubeObject } from "../objects.ts";
import { podsReasons } from "./pod.ts";
import { labelSelector } from "./selector.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const deployment: Awaiter = {
  related: (object) => [{ kind: "pods", query: labelSelector(objectAt(object, "spec", "selector")) }],
  status(object, { pods }) {
    const step = rollout(object);
    if (step === undefined) return ready;
    return waiting(step, [...conditionReasons(object), ...podsReasons(pods)]);
  },
};

/** What the rollout waits for, or undefined when it is complete. */
function rollout(object: KubeObject): string | undefined {
  if (isStale(object)) return "the controller has not seen the change yet";
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const count = (name: string): number => numberAt(object, "status", name) ?? 0;
  if (count("updatedReplicas") < wanted) return `${count("updatedReplicas")} of ${wanted} replicas are up to date`;
  if (count("replicas") > count("updatedReplicas")) return `${count("replicas") - count("updatedReplicas")} old replicas still end`;
  if (count("availableReplicas") < wanted) return `${count("availableReplicas")} of ${wanted} replicas are available`;
  return undefined;
}

/** Whether the status is of an earlier version of the object. */
export function isStale(object: KubeObject): boolean {
  return (numberAt(object, "status", "observedGeneration") ?? 0) < (numberAt(object, "metadata", "generation") ?? 1);
}

function conditionReasons(object: KubeObject): string[] {
  const progressing = condition(object, "Progressing");
  const stuck = progressing?.["status"] === "False" ? [progressing] : [];
  const failure = condition(object, "ReplicaFailure");
  const refused = failure !== undefined && conditionIsTrue(object, "ReplicaFailure") ? [failure] : [];
  return [...refused, ...stuck].map((entry) => `[${textAt(entry, "reason") ?? ""}] ${textAt(entry, "message") ?? ""}`);
}
