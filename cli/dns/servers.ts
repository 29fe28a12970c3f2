import { Writable } from "node:stream";
import { AppsV1Api, CoreV1Api, Exec, type V1Status } from "@kubernetes/client-node";
import { CliError, messageOf } from "../errors.ts";
import type { Outputs } from "../engine/outputs.ts";
import { inTime, kubeConfig } from "../status/kubernetes.ts";
import type { Answer } from "./answers.ts";

/** Namespace of the stack's DNS servers, and name of each one's container (components/peakdns). */
const NAMESPACE = "peakdns";
const CONTAINER = "peakdns";

/** How long a server may take to answer, in milliseconds: its own command waits for 10 s. */
const LIMIT = 20_000;

/** A DNS server of the stack. */
export interface DnsServer {
  /** e.g. `peakdns-cluster-pi2`. */
  name: string;
  /** Whether it answers for pods, in contrast to a root server. */
  cluster: boolean;
  /** The pod that runs it; undefined while there is none. */
  pod: string | undefined;
}

/** All DNS servers of a stack, also those that do not run. @throws CliError when there are none, or the cluster does not answer */
export async function dnsServers(access: Outputs): Promise<DnsServer[]> {
  const config = kubeConfig(access);
  const [deployments, pods] = await Promise.all([
    inTime(config.makeApiClient(AppsV1Api).listNamespacedDeployment({ namespace: NAMESPACE })),
    inTime(config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: NAMESPACE })),
  ]).catch((error: unknown) => {
    throw new CliError(`cannot look for the DNS servers: ${messageOf(error)}`);
  });
  const servers = deployments.items.flatMap(({ metadata }) => (metadata?.name?.startsWith(`${NAMESPACE}-`) ? [metadata.name] : []));
  if (servers.length === 0) throw new CliError(`the stack has no DNS servers: there is no deployment in the namespace ${NAMESPACE}`);
  return servers.sort().map((name) => ({
    name,
    cluster: name.startsWith(`${NAMESPACE}-cluster`),
    pod: pods.items.find(
      ({ metadata, status }) => metadata?.labels?.["app"] === name && !metadata.deletionTimestamp && status?.phase === "Running",
    )?.metadata?.name,
  }));
}

/** Has a command of PeakDNS's own run in each of the servers, all at once. */
export function askServers(access: Outputs, servers: readonly DnsServer[], words: readonly string[]): Promise<Answer[]> {
  const exec = new Exec(kubeConfig(access));
  return Promise.all(
    servers.map(async ({ name: server, pod }): Promise<Answer> => {
      if (pod === undefined) return { server, fault: "does not run" };
      return runIn(exec, pod, ["node", "dns-server/main.js", ...words]).then(
        (ended) => ({ server, ...ended }),
        (error: unknown) => ({ server, fault: `cannot be asked: ${messageOf(error)}` }),
      );
    }),
  );
}

/** Runs a command in a server's container to its end. @throws Error also when the connection is not open within the limit, in milliseconds */
export async function runIn(exec: Exec, pod: string, command: string[], limit = LIMIT): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
  const opened = exec.exec(NAMESPACE, pod, CONTAINER, command, stdout, stderr, null, false, resolve);
  opened.then(
    (socket) => socket.addEventListener("close", () => reject(new Error("the connection was lost"))),
    (event: { message?: string }) => reject(new Error(event.message || "the connection was refused")), // it need not be an Error
  );
  try {
    return { code: exitCode(await ended), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    clearTimeout(timer);
    void opened.then((socket) => socket.close(), () => {});
  }
}

/** @throws Error when the command could not be run at all */
function exitCode({ status, details, message }: V1Status): number {
  if (status === "Success") return 0;
  const code = details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  if (code === undefined) throw new Error(message ?? "the command could not be run");
  return Number(code);
}

/** Keeps what is written to it. */
class Collector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
