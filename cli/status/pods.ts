import type { Outputs } from "../engine/outputs.ts";
import { CliError, messageOf, UsageError } from "../errors.ts";
import { listPods, type Pod } from "./kubernetes.ts";

/** Finds the pod that a name means: its own, or the start of just one. */
export async function findPod(outputs: Outputs, name: string): Promise<Pod> {
  const pods = await listPods(outputs).catch((error: unknown) => {
    throw new CliError(`cannot look for the pod ${name}: ${messageOf(error)}`);
  });
  return choosePod(pods, name);
}

/** @throws UsageError that lists the pods to choose from */
export function choosePod(pods: readonly Pod[], name: string): Pod {
  const exact = pods.find((pod) => pod.name === name || `${pod.namespace}/${pod.name}` === name);
  if (exact) return exact;
  const begin = pods.filter((pod) => pod.name.startsWith(`${name}-`));
  const [only] = begin;
  if (only && begin.length === 1) return only;
  const choice = (begin.length > 0 ? begin : pods)
    .map((pod) => `  ${pod.namespace}/${pod.name}`)
    .sort()
    .join("\n");
  throw new UsageError(`${begin.length > 0 ? `${name} is the start of several pods` : `there is no node and no pod ${name}`}:\n${choice}`);
}
