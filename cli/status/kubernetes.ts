import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import type { Outputs } from "../engine/outputs.ts";
import { CliError } from "../errors.ts";

/** How long the API server may take to answer, in milliseconds. */
const LIMIT = 5000;

/** How to get to the stack's cluster. */
type Access = Pick<Outputs, "kubeconfig" | "kubeContext">;

/** How a client of Kubernetes gets to the stack's cluster. @throws CliError when the user's kubeconfig does not have its context */
export function kubeConfig({ kubeconfig, kubeContext }: Access): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromString(kubeconfig);
  if (kubeContext !== undefined) {
    if (!config.getContextObject(kubeContext)) throw new CliError(`your kubeconfig has no context ${kubeContext}`);
    config.setCurrentContext(kubeContext);
  }
  return config;
}

function api(access: Access): CoreV1Api {
  return kubeConfig(access).makeApiClient(CoreV1Api);
}

/** Which nodes Kubernetes calls ready. Rejects if the API server does not answer in time. */
export async function nodeReadiness(access: Access): Promise<Map<string, boolean>> {
  const { items } = await inTime(api(access).listNode());
  return new Map(
    items.map(({ metadata, status }) => [
      metadata?.name ?? "",
      status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false,
    ]),
  );
}

export interface Pod {
  name: string;
  namespace: string;
}

/** All pods. Rejects if the API server does not answer in time. */
export async function listPods(access: Access): Promise<Pod[]> {
  const { items } = await inTime(api(access).listPodForAllNamespaces());
  return items.map(({ metadata }) => ({ name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" }));
}

/** What the API server answers. Rejects, saying so, if it does not do so in time. */
export async function inTime<T>(answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the API server did not answer within ${LIMIT / 1000} s`)), LIMIT);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
