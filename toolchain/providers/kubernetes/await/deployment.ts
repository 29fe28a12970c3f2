/** Deployments: ready when the newest revision has all its replicas available and nothing else is left. */

import { condition, conditionIsTrue, numberAt, textAt, type KubeObject } from "../objects.ts";
import { rollout, type Count } from "./rollout.ts";

export const deployment = rollout(open, conditionReasons);

function open(object: KubeObject, count: Count): string | undefined {
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const updated = count("updatedReplicas");
  if (updated < wanted) return `${updated} of ${wanted} replicas are up to date`;
  if (count("replicas") > updated) return `${count("replicas") - updated} old replicas still end`;
  if (count("availableReplicas") < wanted) return `${count("availableReplicas")} of ${wanted} replicas are available`;
  return undefined;
}

function conditionReasons(object: KubeObject): string[] {
  const progressing = condition(object, "Progressing");
  const stuck = progressing?.["status"] === "False" ? [progressing] : [];
  const failure = condition(object, "ReplicaFailure");
  const refused = failure !== undefined && conditionIsTrue(object, "ReplicaFailure") ? [failure] : [];
  return [...refused, ...stuck].map((entry) => `[${textAt(entry, "reason") ?? ""}] ${textAt(entry, "message") ?? ""}`);
}
