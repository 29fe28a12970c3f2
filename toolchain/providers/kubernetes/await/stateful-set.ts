/** StatefulSets: ready when all replicas are ready and, unless pods are updated by hand, of the newest revision. */

import { numberAt, objectAt, textAt, type KubeObject } from "../objects.ts";
import { isStale } from "./deployment.ts";
import { podsReasons } from "./pod.ts";
import { labelSelector } from "./selector.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const statefulSet: Awaiter = {
  related: (object) => [{ kind: "pods", query: labelSelector(objectAt(object, "spec", "selector")) }],
  status(object, { pods }) {
    const step = rollout(object);
    return step === undefined ? ready : waiting(step, podsReasons(pods));
  },
};

function rollout(object: KubeObject): string | undefined {
  if (isStale(object)) return "the controller has not seen the change yet";
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const count = (name: string): number => numberAt(object, "status", name) ?? 0;
  if (count("replicas") !== wanted) return `${count("replicas")} of ${wanted} replicas exist`;
  if (count("readyReplicas") < wanted) return `${count("readyReplicas")} of ${wanted} replicas are ready`;
  if (textAt(object, "spec", "updateStrategy", "type") === "OnDelete") return undefined;
  const partition = numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  const updated = Math.max(wanted - partition, 0);
  if (count("updatedReplicas") < updated) return `${count("updatedReplicas")} of ${updated} replicas are up to date`;
  const revision = textAt(object, "status", "updateRevision");
  if (partition === 0 && wanted > 0 && textAt(object, "status", "currentRevision") !== revision) return "the new revision becomes the current one";
  return undefined;
}
