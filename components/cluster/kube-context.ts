import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { arches, type Arch } from "../../toolchain/products.ts";

/** What a cluster that is there already tells of itself. */
export interface ExistingFacts {
  /** Made by minikube, whose profile has the context's name. */
  minikube: boolean;
  /** Name and identity of each node, sorted: others when the cluster, or what is on its nodes, is another. */
  nodes: string[];
  /** Of all nodes. */
  arch: Arch;
  /** Whether pods have IPv6 addresses, as far as the nodes' prefixes tell. */
  ipv6: boolean;
}

/** How long a cluster may take to answer, in milliseconds. */
const patience = 15_000;

/**
 * Asks the cluster of a kubeconfig context what it is like.
 * @throws Error with place and remedy when there is no such context, or nobody answers there
 */
export async function lookInto(context: string): Promise<ExistingFacts> {
  // Loaded here: it takes a third of a second and 80 MB, which stacks that make their cluster do without.
  const { CoreV1Api, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const files = kubeconfigFiles(process.env);
  const source = files.map((file) => (existsSync(file) ? file : `${file} (not there)`)).join(delimiter);
  try {
    // Without any file, the library would make up a context.
    if (files.some((file) => existsSync(file))) config.loadFromDefault();
  } catch (error) {
    throw new Error(`${source} cannot be read: ${(error as Error).message}`);
  }
  selectContext(config, context, source);
  const asked = config.makeApiClient(CoreV1Api).listNode();
  const server = config.getCurrentCluster()?.server;
  const answer = await within(patience, asked).catch((error: Error) => {
    throw new Error(`the cluster of the context ${context} (${server}) does not answer: ${reasonOf(error)}. Start it (minikube start --profile ${context}), or name another context in peak:kubeContext`);
  });
  return {
    minikube: context === "minikube" || answer.items.some(({ metadata }) => metadata?.labels?.["minikube.k8s.io/name"] === context),
    nodes: answer.items.map(({ metadata }) => `${metadata?.name} ${metadata?.uid}`).sort(),
    arch: archOf(context, answer.items.map(({ status }) => status?.nodeInfo?.architecture)),
    ipv6: answer.items.every(({ spec }) => spec?.podCIDRs === undefined || spec.podCIDRs.some((prefix) => prefix.includes(":"))),
  };
}

/**
 * The one architecture that images are built for.
 * @param nodes of each node, as its kubelet says
 * @throws Error unless all nodes have the same, one that the products are made for
 */
export function archOf(context: string, nodes: readonly (string | undefined)[]): Arch {
  const [first, ...others] = [...new Set(nodes)];
  const arch = arches.find((known) => known === first);
  if (arch !== undefined && others.length === 0) return arch;
  const found = nodes.length === 0 ? "no nodes" : `nodes of ${[...new Set(nodes.map((node) => node ?? "unknown architecture"))].sort().join(" and ")}`;
  throw new Error(`the cluster of the context ${context} has ${found}: images are built for one architecture, ${arches.join(" or ")}. ` +
    "Name a context of such a cluster in peak:kubeContext");
}

/** @throws Error listing the contexts that there are */
export function selectContext(config: Pick<KubeConfig, "getContexts" | "setCurrentContext">, context: string, source: string): void {
  const names = (config.getContexts() ?? []).map(({ name }) => name);
  if (!names.includes(context)) {
    throw new Error(`peak:kubeContext is ${context}, and ${source} has no such context; it has ${names.join(", ") || "none"}`);
  }
  config.setCurrentContext(context);
}

function kubeconfigFiles(env: NodeJS.ProcessEnv): string[] {
  return env["KUBECONFIG"]?.split(delimiter).filter(Boolean) ?? [join(env["HOME"] ?? homedir(), ".kube", "config")];
}

/** What cannot be on a cluster that is not ours, or is not as on the stacks that make theirs; each with what to do. */
export function limitsOf(context: string, { ipv6 }: ExistingFacts): string[] {
  return [
    ...(ipv6 ? [] : [`the cluster of ${context} gives pods IPv4 addresses alone: names lead to them by A records, and nothing of this stack shows IPv6`]),
    `the nodes of ${context} are not this stack's: it has one root server and one cluster server, each behind a Service, and no clients; ` +
      "whoever asks from outside needs a route to the addresses of services and pods (docs/minikube.md)",
  ];
}

function reasonOf(error: Error): string {
  const { cause, message } = error as Error & { cause?: Error };
  return (cause?.message ?? message).split("\n")[0]!;
}

async function within<T>(limit: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
