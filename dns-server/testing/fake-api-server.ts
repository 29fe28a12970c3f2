import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesObject, V1Pod } from "@kubernetes/client-node";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Kind } from "../kubernetes/facts.ts";
import { KINDS } from "../kubernetes/kinds.ts";

interface Change {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubernetesObject;
}

/** Objects of one kind, and who watches them. */
class Store {
  readonly objects = new Map<string, KubernetesObject>();
  readonly changes: Change[] = [];
  readonly watchers = new Set<ServerResponse>();
}

const keyOf = (object: KubernetesObject): string => `${object.metadata?.namespace ?? ""}/${object.metadata?.name}`;

/** Enough of a Kubernetes API server to list and watch objects over loopback, to take Events and statuses: for tests and benchmarks. */
export class FakeApiServer {
  private readonly stores = new Map((Object.keys(KINDS) as Kind[]).map((kind): [Kind, Store] => [kind, new Store()]));
  private server: Server | undefined;
  private version = 1;
  private oldest = 0;
  private port = 0;
  /** Kinds that nobody may read. */
  readonly forbidden = new Set<Kind>();
  /** Kinds that get 500. */
  readonly failing = new Set<Kind>();
  /** Kinds of which nothing comes: their lists begin, and go on without end. */
  readonly endless = new Set<Kind>();
  /** Events that were written, in order. */
  readonly events: {
    readonly name: string;
    readonly reason: string;
    readonly note: string;
    readonly regarding: { readonly kind: string; readonly name: string };
  }[] = [];
  /** Events that were there already. */
  conflicts = 0;
  /** Lists and watches of forbidden kinds. */
  refused = 0;
  /** Statuses of Ingresses that were written. */
  statusWrites = 0;
  /** While set, lists wait for it. */
  listGate: Promise<void> | undefined;

  /** Starts, on the same port each time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.handle(request, response));
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

  /** Ends all watches as a server does that has had them for long. */
  endWatches(): void {
    for (const { watchers } of this.stores.values()) for (const watcher of watchers) watcher.end();
  }

  /** Forgets past changes, so that a watch from an earlier version gets 410. */
  compact(): void {
    for (const { changes } of this.stores.values()) changes.length = 0;
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

  apply(object: KubernetesObject, kind: Kind = "Pod"): void {
    const { objects } = this.store(kind);
    const key = keyOf(object);
    this.record(kind, objects.has(key) ? "MODIFIED" : "ADDED", object);
    objects.set(key, this.store(kind).changes.at(-1)!.object);
  }

  remove(namespace: string, name: string, kind: Kind = "Pod"): void {
    const { objects } = this.store(kind);
    const object = objects.get(`${namespace}/${name}`);
    if (!object) throw new Error(`no ${kind} ${namespace}/${name}`);
    objects.delete(`${namespace}/${name}`);
    this.record(kind, "DELETED", object);
  }

  get(namespace: string, name: string, kind: Kind): KubernetesObject | undefined {
    return this.store(kind).objects.get(`${namespace}/${name}`);
  }

  private store(kind: Kind): Store {
    return this.stores.get(kind)!;
  }

  private record(kind: Kind, type: Change["type"], given: KubernetesObject): void {
    const version = ++this.version;
    const object: KubernetesObject = { ...given, metadata: { ...given.metadata, resourceVersion: String(version) } };
    const { changes, watchers } = this.store(kind);
    changes.push({ version, type, object });
    const line = `${JSON.stringify({ type, object })}\n`;
    for (const watcher of watchers) watcher.write(line);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const kind = [...this.stores.keys()].find((known) => KINDS[known].path === url.pathname);
    if (request.method === "GET" && kind !== undefined) {
      if (this.endless.has(kind)) this.drip(response);
      else if (this.failing.has(kind)) answer(response, 500, { kind: "Status", code: 500, message: `${kind}s cannot be read` });
      else if (this.forbidden.has(kind)) {
        this.refused++;
        answer(response, 403, { kind: "Status", code: 403, message: `${kind}s are forbidden` });
      } else if (url.searchParams.get("watch") === "true") this.watch(kind, Number(url.searchParams.get("resourceVersion")), response);
      else await this.list(kind, response);
      return;
    }
    const body = (await readJson(request)) as never;
    const status = /^\/apis\/networking\.k8s\.io\/v1\/namespaces\/([^/]+)\/ingresses\/([^/]+)\/status$/.exec(url.pathname);
    if (request.method === "PATCH" && status) this.patchStatus(status[1]!, status[2]!, body, response);
    else if (/^\/apis\/events\.k8s\.io\/v1\/namespaces\/[^/]+\/events(\/|$)/.test(url.pathname))
      this.takeEvent(request.method, body, response);
    else answer(response, 404, {});
  }

  private drip(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 500);
    response.on("close", () => clearInterval(timer));
  }

  private patchStatus(namespace: string, name: string, patch: { status: unknown }, response: ServerResponse): void {
    const ingress = this.get(namespace, name, "Ingress");
    if (!ingress) return answer(response, 404, {});
    this.statusWrites++;
    this.apply({ ...ingress, ...patch }, "Ingress");
    answer(response, 200, {});
  }

  private takeEvent(
    method: string | undefined,
    event: { metadata: { name: string } } & FakeApiServer["events"][number],
    response: ServerResponse,
  ): void {
    if (method === "POST" && this.events.some(({ name }) => name === event.metadata.name)) {
      this.conflicts++;
      return answer(response, 409, {});
    }
    if (method === "POST") this.events.push({ ...event, name: event.metadata.name });
    answer(response, 201, {});
  }

  private async list(kind: Kind, response: ServerResponse): Promise<void> {
    await this.listGate;
    const items = [...this.store(kind).objects.values()];
    answer(response, 200, { kind: `${kind}List`, metadata: { resourceVersion: String(this.version) }, items });
  }

  private watch(kind: Kind, from: number, response: ServerResponse): void {
    if (from < this.oldest) return answer(response, 410, { kind: "Status", code: 410, reason: "Expired" });
    const { changes, watchers } = this.store(kind);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const { version, type, object } of changes) if (version > from) response.write(`${JSON.stringify({ type, object })}\n`);
    watchers.add(response);
    response.on("close", () => watchers.delete(response));
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}");
}

/** A pod as Kubernetes reports it. */
export function fakePod(
  name: string,
  options: {
    namespace?: string;
    domain?: string;
    addresses?: readonly string[];
    ready?: boolean;
    terminating?: boolean;
    annotation?: string;
    annotations?: Readonly<Record<string, string>>;
    node?: string;
    ports?: readonly { name?: string; containerPort: number }[];
  } = {},
): V1Pod {
  const {
    namespace = "default",
    domain,
    addresses = [],
    ready = true,
    terminating = false,
    annotation,
    annotations,
    node,
    ports,
  } = options;
  return {
    metadata: {
      namespace,
      name,
      uid: `uid-of-${namespace}-${name}`,
      creationTimestamp: new Date(0),
      ...(domain === undefined ? {} : { labels: { "dns.peak/domain": domain } }),
      annotations: { ...annotations, ...(annotation === undefined ? {} : { "dns.peak/domain": annotation }) },
      ...(terminating ? { deletionTimestamp: new Date(0) } : {}),
    },
    spec: { containers: [{ name: "main", ports: [...(ports ?? [])] }], ...(node === undefined ? {} : { nodeName: node }) },
    status: {
      podIPs: addresses.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
}

/** Starts one, with a file that leads to it. @param cleanups what undoes it is added */
export async function startFakeApi(cleanups: (() => unknown)[]): Promise<{ api: FakeApiServer; kubeconfig: string }> {
  const api = new FakeApiServer();
  await api.start();
  const folder = mkdtempSync(join(tmpdir(), "peakdns-api-"));
  cleanups.push(
    () => api.stop(),
    () => rmSync(folder, { recursive: true }),
  );
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, api.kubeconfig());
  return { api, kubeconfig };
}
