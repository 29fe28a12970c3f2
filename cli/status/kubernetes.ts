import { CoreV1Api, KubeConfig } from "@kubernetes/client-node";

/** How long the API server may take to answer, in milliseconds. */
const LIMIT = 5000;

/** The stack's cluster, for questions that end within a time limit. */
function api(kubeconfig: string): CoreV1Api {
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  return config.makeApiClient(CoreV1Api);
}

/** Which nodes Kubernetes calls ready. Rejects if the API server does not answer in time. */
export async function nodeReadiness(kubeconfig: string): Promise<Map<string, boolean>> {
  const { items } = await inTime(api(kubeconfig).listNode());
  return new Map(items.map(({ metadata, status }) => [metadata?.name ?? "", status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false]));
}

export interface Pod {
  name: string;
  namespace: string;
}

/** All pods. Rejects if the API server does not answer in time. */
export async function listPods(kubeconfig: string): Promise<Pod[]> {
  const { items } = await inTime(api(kubeconfig).listPodForAllNamespaces());
  return items.map(({ metadata }) => ({ name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" }));
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the API server did not answer within ${LIMIT / 1000} s`)), LIMIT);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
