/** StatefulSets: ready when all replicas are ready and, unless pods are updated by hand, of the newest revision. */

import { numberAt, textAt, type KubeObject } from "../objects.ts";
import { rollout, type Count } from "./rollout.ts";

export const statefulSet = rollout(open);

function open(object: KubeObject, count: Count): string | undefined {
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  if (count("replicas") !== wanted) return `${count("replicas")} of ${wanted} replicas exist`;
  if (count("readyReplicas") < wanted) return `${count("readyReplicas")} of ${wanted} replicas are ready`;
  if (textAt(object, "spec", "updateStrategy", "type") === "OnDelete") return undefined;
  const partition = numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  const updated = Math.max(wanted - partition, 0);
  if (count("updatedReplicas") < updated) return `${count("updatedReplicas")} of ${updated} replicas are up to date`;
  const isCurrent = textAt(object, "status", "currentRevision") === textAt(object, "status", "updateRevision");
  return partition === 0 && wanted > 0 && !isCurrent ? "the new revision becomes the current one" : undefined;
}
