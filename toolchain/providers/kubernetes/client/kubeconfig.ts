/**
 * How to reach a cluster, from a kubeconfig. The parts of the Kubernetes client library that read its entries and run
 * its authenticators are used one by one: its KubeConfig class would load every typed model (80 MB, 0.3 s a start).
 */

import { existsSync, readFileSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { newClusters, newContexts, newUsers } from "@kubernetes/client-node/dist/config_types.js";
import type { Cluster, Context, User } from "@kubernetes/client-node/dist/config_types.js";
import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { FileAuth } from "@kubernetes/client-node/dist/file_auth.js";
import { parse } from "yaml";
import type { Config } from "../config.ts";
import { isObject } from "../values.ts";

export interface Connection {
  /** URL of the API server, without a slash at the end. */
  readonly server: string;
  /** Namespace of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** TLS material of server and client. */
  readonly tls: Pick<RequestOptions, "ca" | "cert" | "key" | "rejectUnauthorized" | "servername">;
  /** Headers that authenticate a request; asked again for each, since tokens expire. */
  headers(): Promise<Record<string, string>>;
}

interface Entries {
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  readonly contexts: readonly Context[];
  readonly current: string | undefined;
}

/** Throws an error that says what is wrong with the kubeconfig and where it came from. */
export async function connect(config: Pick<Config, "kubeconfig" | "context" | "cluster">): Promise<Connection> {
  const { source, entries } = load(config.kubeconfig);
  const name = config.context ?? entries.current;
  const context = entries.contexts.find((entry) => entry.name === name);
  if (context === undefined) {
    const known = entries.contexts.map((entry) => entry.name).join(", ") || "none";
    throw new Error(`${source} has no context ${JSON.stringify(name ?? "")} (it has: ${known}); set kubernetes:context`);
  }
  const clusterName = config.cluster ?? context.cluster;
  const cluster = entries.clusters.find((entry) => entry.name === clusterName);
  if (cluster === undefined) throw new Error(`${source} has no cluster ${JSON.stringify(clusterName)}`);
  const user = entries.users.find((entry) => entry.name === context.user);
  if (user === undefined && context.user !== "") throw new Error(`${source} has no user ${JSON.stringify(context.user)}`);
  if (cluster.proxyUrl !== undefined) {
    throw new Error(`${source}: proxy-url of cluster ${cluster.name} is not supported; reach the API server directly or by a tunnel`);
  }
  return connection(source, cluster, user, context.namespace);
}

/** The entry of the cluster that `connect` would use, without its name; undefined if there is none, or no readable kubeconfig. */
export function clusterEntry(config: Pick<Config, "kubeconfig" | "context" | "cluster">): Omit<Cluster, "name"> | undefined {
  try {
    const { entries } = load(config.kubeconfig);
    const context = entries.contexts.find((entry) => entry.name === (config.context ?? entries.current));
    const cluster = entries.clusters.find((entry) => entry.name === (config.cluster ?? context?.cluster));
    if (context === undefined || cluster === undefined) return undefined;
    const { name: _, ...entry } = cluster;
    return entry;
  } catch {
    // Using it will tell the user why.
    return undefined;
  }
}

async function connection(source: string, cluster: Cluster, user: User | undefined, namespace: string | undefined): Promise<Connection> {
  const exec = new ExecAuth();
  const file = new FileAuth();
  const ca = pem(cluster.caFile, cluster.caData);
  const cert = pem(user?.certFile, user?.certData);
  const key = pem(user?.keyFile, user?.keyData);
  const tls: Connection["tls"] = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
  };
  if (user !== undefined && exec.isAuthProvider(user)) {
    // A credential plugin may answer with a client certificate, which belongs to the connection, not to the request.
    const credential: RequestOptions = { headers: {} };
    await exec.applyAuthentication(user, credential);
    if (credential.cert !== undefined) Object.assign(tls, { cert: credential.cert, key: credential.key });
  } else if (user?.authProvider !== undefined && !file.isAuthProvider(user)) {
    throw new Error(`${source}: the auth-provider of user ${user.name} is not supported; use exec, a token or a client certificate`);
  }

  const headers = async (): Promise<Record<string, string>> => {
    const options: RequestOptions = { headers: {} };
    if (user === undefined) return {};
    if (exec.isAuthProvider(user)) await exec.applyAuthentication(user, options);
    else if (file.isAuthProvider(user)) await file.applyAuthentication(user, options);
    const basic = user.username === undefined ? undefined : Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64");
    return {
      ...Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value)])),
      ...(basic === undefined ? {} : { Authorization: `Basic ${basic}` }),
      ...(user.token === undefined ? {} : { Authorization: `Bearer ${user.token}` }),
      ...(user.impersonateUser === undefined ? {} : { "Impersonate-User": user.impersonateUser }),
    };
  };
  return { server: cluster.server.replace(/\/+$/, ""), namespace, tls, headers };
}

function pem(file: string | undefined, base64: string | undefined): Buffer | undefined {
  if (file !== undefined) return readFileSync(file);
  return base64 === undefined ? undefined : Buffer.from(base64, "base64");
}

function load(kubeconfig: string | undefined): { source: string; entries: Entries } {
  const setting = kubeconfig ?? process.env["KUBECONFIG"] ?? join(homedir(), ".kube", "config");
  if (/\n|^\s*\{/.test(setting)) return { source: "the kubeconfig", entries: entries(setting, undefined, "the kubeconfig") };
  const paths = setting
    .split(delimiter)
    .filter((path) => path !== "")
    .map((path) => path.replace(/^~(?=\/)/, homedir()));
  const present = paths.filter((path) => existsSync(path));
  if (present.length === 0) throw new Error(`no kubeconfig at ${paths.join(", ")}; set kubernetes:kubeconfig or KUBECONFIG`);
  const all = present.map((path) => entries(readFileSync(path, "utf8"), dirname(path), path));
  return {
    source: present.join(delimiter),
    entries: {
      clusters: all.flatMap((file) => file.clusters),
      users: all.flatMap((file) => file.users),
      contexts: all.flatMap((file) => file.contexts),
      current: all.find((file) => file.current !== undefined)?.current,
    },
  };
}

/** @param directory what relative paths start from; undefined for a kubeconfig that is no file */
function entries(content: string, directory: string | undefined, source: string): Entries {
  const parsed = parseYaml(content, source);
  const absolute = (path: string | undefined): string | undefined =>
    path === undefined || isAbsolute(path) || directory === undefined ? path : join(directory, path);
  const clusters = newClusters(parsed["clusters"]);
  const users = newUsers(parsed["users"]);
  for (const cluster of clusters) assignFile(cluster, "caFile", absolute(cluster.caFile));
  for (const user of users) {
    assignFile(user, "certFile", absolute(user.certFile));
    assignFile(user, "keyFile", absolute(user.keyFile));
  }
  const current = parsed["current-context"];
  return { clusters, users, contexts: newContexts(parsed["contexts"]), current: typeof current === "string" ? current : undefined };
}

function assignFile<K extends string>(entry: { [key in K]?: string }, key: K, path: string | undefined): void {
  if (path !== undefined) entry[key] = path;
}

function parseYaml(content: string, source: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = parse(content);
  } catch (error) {
    throw new Error(`${source} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(parsed)) throw new Error(`${source} is not a kubeconfig`);
  return parsed;
}
