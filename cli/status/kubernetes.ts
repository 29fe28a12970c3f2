import { ApiException, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
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

/** What a node that is gone has taken with it. */
export interface Lost {
  /** `NAMESPACE/NAME` of the pods that were on it. */
  pods: string[];
  /** Names of the PersistentVolumes whose only copy it had. */
  volumes: string[];
}

/**
 * Takes a node out of the cluster whose host does not answer, with its pods: nobody else would ever say that these have ended. Safe to do
 * again. Rejects if the API server does not answer in time.
 */
export async function removeNode(access: Access, name: string): Promise<Lost> {
  const client = api(access);
  const pods = (await inTime(client.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${name}` }))).items;
  const volumes = (await inTime(client.listPersistentVolume())).items.filter(({ spec }) =>
    spec?.nodeAffinity?.required?.nodeSelectorTerms.some(({ matchExpressions = [] }) => matchExpressions.some(({ values = [] }) => values.includes(name))));
  await inTime(client.deleteNode({ name }).catch(unlessGone));
  for (const { metadata } of pods) {
    const pod = { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
    await inTime(client.deleteNamespacedPod({ ...pod, gracePeriodSeconds: 0 }).catch(unlessGone));
  }
  return {
    pods: pods.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`),
    volumes: volumes.map(({ metadata }) => metadata?.name ?? ""),
  };
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ApiException) || error.code !== 404) throw error;
}
