/** DaemonSets: ready when every node that should run a pod has an available one of the newest revision. */

import type { KubeObject } from "../objects.ts";
import { rollout, type Count } from "./rollout.ts";

export const daemonSet = rollout(open);

const steps = [
  ["currentNumberScheduled", "have a pod"],
  ["updatedNumberScheduled", "have an up-to-date pod"],
  ["numberAvailable", "have an available pod"],
] as const;

function open(_: KubeObject, count: Count): string | undefined {
  const wanted = count("desiredNumberScheduled");
  const step = steps.find(([name]) => count(name) < wanted);
  return step === undefined ? undefined : `${count(step[0])} of ${wanted} nodes ${step[1]}`;
}
