import type { V1Pod } from "@kubernetes/client-node";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";

interface Event {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: V1Pod;
}

/** Enough of a Kubernetes API server to list and watch pods over loopback: for tests and benchmarks. */
export class FakeApiServer {
  private readonly pods = new Map<string, V1Pod>();
  private readonly events: Event[] = [];
  private readonly watchers = new Set<ServerResponse>();
  private server: Server | undefined;
  private version = 1;
  private oldest = 0;
  private port = 0;
  /** Lists and watches served so far. */
  readonly requests = { list: 0, watch: 0 };
  /** While set, lists wait for it. */
  listGate: Promise<void> | undefined;

  /** Starts, on the same port each time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://localhost");
      if (url.pathname !== "/api/v1/pods") response.writeHead(404).end("{}");
      else if (url.searchParams.get("watch") === "true") this.watch(Number(url.searchParams.get("resourceVersion")), response);
      else void this.list(response);
    });
    server.listen(this.port, "::1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    this.port = address.port;
    this.server = server;
  }

  /** Breaks every connection and refuses new ones. What it knows stays. */
  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** Forgets past events, so that a watch from an earlier version gets 410. */
  compact(): void {
    this.events.length = 0;
    this.oldest = this.version;
  }

  kubeconfig(): string {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "fake",
      clusters: [{ name: "fake", cluster: { server: `http://[::1]:${this.port}`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "fake", user: {} }],
      contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
    });
  }

  apply(pod: V1Pod): void {
    const key = `${pod.metadata!.namespace}/${pod.metadata!.name}`;
    this.record(this.pods.has(key) ? "MODIFIED" : "ADDED", pod);
    this.pods.set(key, this.events.at(-1)!.object);
  }

  remove(namespace: string, name: string): void {
    const pod = this.pods.get(`${namespace}/${name}`);
    if (!pod) throw new Error(`no pod ${namespace}/${name}`);
    this.pods.delete(`${namespace}/${name}`);
    this.record("DELETED", pod);
  }

  private record(type: Event["type"], pod: V1Pod): void {
    const version = ++this.version;
    const object: V1Pod = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(version) } };
    this.events.push({ version, type, object });
    const line = `${JSON.stringify({ type, object })}\n`;
    for (const watcher of this.watchers) watcher.write(line);
  }

  private async list(response: ServerResponse): Promise<void> {
    this.requests.list++;
    await this.listGate;
    const body = { apiVersion: "v1", kind: "PodList", metadata: { resourceVersion: String(this.version) }, items: [...this.pods.values()] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  private watch(from: number, response: ServerResponse): void {
    this.requests.watch++;
    if (from < this.oldest) {
      response.writeHead(410, { "content-type": "application/json" }).end(JSON.stringify({ kind: "Status", code: 410, reason: "Expired" }));
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const { version, type, object } of this.events) if (version > from) response.write(`${JSON.stringify({ type, object })}\n`);
    this.watchers.add(response);
    response.on("close", () => this.watchers.delete(response));
  }
}

/** A pod as Kubernetes reports it. */
export function fakePod(
  name: string,
  options: {
    domain?: string;
    addresses?: readonly string[];
    ready?: boolean;
    terminating?: boolean;
    annotation?: string;
  } = {},
): V1Pod {
  const { domain, addresses = [], ready = true, terminating = false, annotation } = options;
  return {
    metadata: {
      namespace: "default",
      name,
      ...(domain === undefined ? {} : { labels: { "dns.peak/domain": domain } }),
      ...(annotation === undefined ? {} : { annotations: { "dns.peak/domain": annotation } }),
      ...(terminating ? { deletionTimestamp: new Date(0) } : {}),
    },
    status: {
      podIPs: addresses.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
}
