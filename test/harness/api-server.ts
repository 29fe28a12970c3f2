/**
 * A real Kubernetes API server for tests: etcd, kube-apiserver and, if wanted, kube-controller-manager on loopback, with
 * everything they write in one temporary directory. There is no kubelet and no scheduler: tests play their part by
 * patching the status of pods. All processes end with the test's, however that ends.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createWriteStream, rmSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { arch, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { provide } from "../../toolchain/provide.ts";

export interface ApiServerOptions {
  /** Runs the controllers too: Deployments get ReplicaSets and pods, garbage is collected, namespaces are emptied. Default: false. */
  readonly controllers?: boolean;
}

export interface ApiRequest {
  /** Default: GET. */
  readonly method?: string;
  /** With its query: `/api/v1/namespaces/default/pods?limit=1`. */
  readonly path: string;
  readonly body?: unknown;
  /** Default: `application/json`, and `application/merge-patch+json` for a PATCH. */
  readonly contentType?: string;
}

export interface ApiServer extends AsyncDisposable {
  /** `https://[::1]:PORT` */
  readonly url: string;
  /** Content of a kubeconfig for an administrator. */
  readonly kubeconfig: string;
  /** The same as a file. */
  readonly kubeconfigPath: string;
  /** The answer's JSON. Throws an error with the server's message unless the status is 2xx. */
  request<T>(request: ApiRequest): Promise<T>;
  /** Kills the API server (not etcd), so that nothing answers at its URL. */
  suspend(): Promise<void>;
  /** Starts it again at the same URL, with the same data. */
  resume(): Promise<void>;
  /** Ends all processes and removes all files. */
  stop(): Promise<void>;
}

const startSeconds = 60;

/** Starts an API server; it is ready when the promise resolves. Rejects with the end of the log of what did not start. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const machine = arch() === "arm64" ? "arm64" : "amd64";
  const kubernetes = join((await provide("kubernetes", machine)).dir, "bin");
  const etcd = join((await provide("etcd", machine)).dir, "bin");
  const directory = await mkdtemp(join(tmpdir(), "peak-api-server-"));
  const processes = new Processes(directory);
  try {
    const [etcdPort, peerPort, apiPort] = await freePorts(3);
    const etcdUrl = `http://[::1]:${etcdPort}`;
    const url = `https://[::1]:${apiPort}`;
    const file = (name: string): string => join(directory, name);
    const token = randomBytes(16).toString("hex");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    await writeFile(file("service-account.key"), privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
    await writeFile(file("tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });

    processes.start("etcd", join(etcd, "etcd"), [
      `--data-dir=${file("etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://[::1]:${peerPort}`,
      "--unsafe-no-fsync",
      "--log-level=warn",
    ]);
    await processes.until("etcd", async () => (await get(`${etcdUrl}/health`)).includes("true"));

    const startApi = async (): Promise<void> => {
      processes.start("kube-apiserver", join(kubernetes, "kube-apiserver"), [
        `--etcd-servers=${etcdUrl}`,
        "--bind-address=::1",
        "--advertise-address=::1",
        `--secure-port=${apiPort}`,
        `--cert-dir=${file("certificates")}`,
        `--token-auth-file=${file("tokens.csv")}`,
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        `--service-account-key-file=${file("service-account.key")}`,
        `--service-account-signing-key-file=${file("service-account.key")}`,
        "--service-cluster-ip-range=fd7e:ea4c:f:f::/112",
        "--endpoint-reconciler-type=none",
        // Without controllers nobody makes the default service account that this plugin asks pods to have.
        ...(options.controllers === true ? [] : ["--disable-admission-plugins=ServiceAccount"]),
      ]);
      await processes.until("kube-apiserver", async () => (await get(`${url}/readyz`, token)) === "ok");
    };
    await startApi();

    // The API server signed this certificate itself, so it is its own authority.
    const certificate = await readFile(file("certificates/apiserver.crt"));
    const kubeconfig = kubeconfigOf(url, certificate, token);
    await writeFile(file("kubeconfig"), kubeconfig, { mode: 0o600 });
    if (options.controllers === true) {
      processes.start("kube-controller-manager", join(kubernetes, "kube-controller-manager"), [
        `--kubeconfig=${file("kubeconfig")}`,
        `--service-account-private-key-file=${file("service-account.key")}`,
        `--root-ca-file=${file("certificates/apiserver.crt")}`,
        "--leader-elect=false",
        "--secure-port=0",
        "--controllers=*,-nodeipam,-node-lifecycle-controller",
      ]);
    }

    const server: ApiServer = {
      url,
      kubeconfig,
      kubeconfigPath: file("kubeconfig"),
      request: (request) => send(url, certificate, token, request),
      suspend: () => processes.stop("kube-apiserver"),
      resume: startApi,
      stop: () => processes.stopAll(),
      [Symbol.asyncDispose]: () => processes.stopAll(),
    };
    if (options.controllers === true) await processes.until("kube-controller-manager", () => hasDefaultServiceAccount(server));
    return server;
  } catch (error) {
    await processes.stopAll();
    throw error;
  }
}

async function hasDefaultServiceAccount(server: ApiServer): Promise<boolean> {
  await server.request({ path: "/api/v1/namespaces/default/serviceaccounts/default" });
  return true;
}

/** Processes by name, each with a log file in the directory; gone with this process at the latest. */
class Processes {
  readonly #directory: string;
  readonly #running = new Map<string, ChildProcess>();
  readonly #onExit: () => void;

  constructor(directory: string) {
    this.#directory = directory;
    this.#onExit = (): void => {
      for (const child of this.#running.values()) child.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true });
    };
    process.once("exit", this.#onExit);
  }

  start(name: string, command: string, args: readonly string[]): void {
    const log = createWriteStream(this.#log(name), { flags: "a" });
    // The kernel ends the process with ours, even if ours is killed.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", command, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.once("close", () => log.end());
    child.once("error", (error) => log.write(`${error.message}\n`));
    this.#running.set(name, child);
  }

  /** Resolves when the check answers true; a check that throws is one that fails. */
  async until(name: string, check: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < startSeconds * 10; attempt++) {
      if (await check().catch(() => false)) return;
      if (this.#running.get(name)?.exitCode !== null) break;
      await sleep(100);
    }
    const log = await readFile(this.#log(name), "utf8").catch(() => "");
    throw new Error(`${name} did not start. The end of its log:\n${log.slice(-3000)}`);
  }

  async stop(name: string): Promise<void> {
    const child = this.#running.get(name);
    this.#running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill("SIGKILL");
    await closed;
  }

  async stopAll(): Promise<void> {
    process.off("exit", this.#onExit);
    await Promise.all([...this.#running.keys()].map((name) => this.stop(name)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #log(name: string): string {
    return join(this.#directory, `${name}.log`);
  }
}

/** Ports of ::1 that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "::1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function kubeconfigOf(url: string, certificate: Buffer, token: string): string {
  const name = "test";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: url, "certificate-authority-data": certificate.toString("base64") } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}

/** The body of a GET, whoever signed the certificate: only for asking whether a server is up. */
function get(url: string, token?: string): Promise<string> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const answered = (response: http.IncomingMessage): void => void read(response).then(resolve, reject);
    const options = { headers, rejectUnauthorized: false, agent: false } as const;
    (url.startsWith("https:") ? https.get(url, options, answered) : http.get(url, { headers, agent: false }, answered)).on("error", reject);
  });
}

async function send<T>(url: string, ca: Buffer, token: string, request: ApiRequest): Promise<T> {
  const method = request.method ?? "GET";
  const contentType = request.contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json");
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  // Without its length, Node does not frame the body of a DELETE.
  const length = { "content-type": contentType, "content-length": Buffer.byteLength(body) };
  const headers = { authorization: `Bearer ${token}`, accept: "application/json", ...(body === "" ? {} : length) };
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const outgoing = https.request(url + request.path, { method, headers, ca, agent: false }, resolve);
    outgoing.on("error", reject).end(body);
  });
  const text = await read(response);
  const status = response.statusCode ?? 0;
  if (status < 200 || status >= 300) throw new Error(`${method} ${request.path}: HTTP ${status}: ${text.slice(0, 1000)}`);
  const answer: T = JSON.parse(text);
  return answer;
}

async function read(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
