/** DaemonSets: ready when every node that should run a pod has an available one of the newest revision. */

import { numberAt, objectAt, type KubeObject } from "../objects.ts";
import { isStale } from "./deployment.ts";
import { podsReasons } from "./pod.ts";
import { labelSelector } from "./selector.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

export const daemonSet: Awaiter = {
  related: (object) => [{ kind: "pods", query: labelSelector(objectAt(object, "spec", "selector")) }],
  status(object, { pods }) {
    const step = rollout(object);
    return step === undefined ? ready : waiting(step, podsReasons(pods));
  },
};

function rollout(object: KubeObject): string | undefined {
  if (isStale(object)) return "the controller has not seen the change yet";
  const count = (name: string): number => numberAt(object, "status", name) ?? 0;
  const wanted = count("desiredNumberScheduled");
  const steps = [
    ["currentNumberScheduled", "have a pod"],
    ["updatedNumberScheduled", "have an up-to-date pod"],
    ["numberAvailable", "have an available pod"],
  ] as const;
  const open = steps.find(([name]) => count(name) < wanted);
  return open === undefined ? undefined : `${count(open[0])} of ${wanted} nodes ${open[1]}`;
}
