import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";
import { controlRoutes } from "./control/routes.ts";
import { serveControl } from "./control/server.ts";
import { UserError } from "./errors.ts";
import { serveHttp } from "./http.ts";
import { ConnectionLimits } from "./limit/connections.ts";
import { Guard, GuardCounter } from "./limit/guard.ts";
import { guarded } from "./limit/guarded.ts";
import { Limits } from "./limit/limits.ts";
import { registerLimitMetrics } from "./limit/metrics.ts";
import { log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { isComplete, type Source } from "./source/source.ts";
import { loadZones, rootSource, staticSource } from "./source/static.ts";
import { TcpTransport } from "./transport/tcp.ts";
import { formatEndpoint, type Endpoint, type Handler, type Transport } from "./transport/transport.ts";
import { UdpTransport } from "./transport/udp.ts";
import { Answerer } from "./view/answerer.ts";
import type { Protocol } from "./view/responder.ts";
import { Cookies } from "./wire/cookie.ts";

export interface Server {
  /** Where it listens, UDP and TCP alike; ports 0 have become real ones. */
  readonly endpoints: readonly Endpoint[];
  readonly http: Endpoint | undefined;
  /**
   * Puts a new configuration into force once its view is complete; until then, and if it is bad, the old one stays.
   * @throws UserError when it is bad, or changes what only a restart can change
   */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

async function startSource(config: Config, changed: (since?: readonly number[]) => void): Promise<Source> {
  switch (config.role) {
    case "root":
      return rootSource(config, changed);
    case "zones":
      return staticSource(loadZones(config), config.keys);
    case "cluster": {
      // only here: the Kubernetes client is most of the memory
      const { clusterSource } = await import("./source/cluster.ts");
      return clusterSource(config, changed);
    }
  }
}

const RESTART_KEYS = ["role", "listen", "http", "control", "nsid", "udp", "workers", "connections", "refusals"] as const;

/**
 * Starts a server.
 * @throws UserError for a bad zone or kubeconfig; the system's error when it cannot listen
 */
export async function startServer(config: Config): Promise<Server> {
  let version = 0;
  let source = await startSource(config, (since) => swap(since));
  const nsid = Buffer.from(config.nsid ?? hostname());
  const cookieSecret = randomBytes(16);
  const cookies = new Cookies(cookieSecret);
  const answerer = new Answerer({ nsid, cookies });
  const limits = new Limits(config.rateLimit, config.refusals);
  const guardCounters = new Float64Array(GuardCounter.SIZE);
  const guard = new Guard(cookies, guardCounters);
  limits.listen((settings) => guard.set(settings));
  const swap = (since: readonly number[] = []): void => {
    version++;
    answerer.setView(source.view());
    for (const time of since) metrics.programmed((Date.now() - time) / 1000);
    answerer.setServices({
      keys: source.keys ?? new Map(),
      update: (request) => source.update?.(request),
    });
  };
  swap();
  const metrics = new Metrics({
    viewVersion: () => version,
    viewAgeSeconds: () => source.ageSeconds(),
    pods: () => source.pods(),
    registrations: () => source.registrations?.() ?? [],
  });
  const connections = new ConnectionLimits(config.connections);
  const guardCounts = [(counter: number) => guardCounters[counter]!];
  registerLimitMetrics(metrics.registry, {
    guardCount: (counter) => guardCounts.reduce((sum, count) => sum + count(counter), 0),
    connections,
  });
  const handler = (protocol: Protocol): Handler =>
    guarded(guard, protocol !== "udp", (message, client) => {
      const response = answerer.respond(message, protocol, client);
      metrics.count(response, protocol);
      return response;
    });
  const udpTransports = async (endpoints: readonly Endpoint[]): Promise<Transport[]> => {
    if (config.udp === "plain") return endpoints.map((endpoint) => new UdpTransport(endpoint, handler("udp")));
    // only here, since it loads native code that other systems than Linux lack
    const { BatchedUdpTransport } = await import("./transport/batched/batched-udp.ts");
    const { workers } = config;
    const batched = new BatchedUdpTransport(endpoints, answerer, {
      workers,
      nsid,
      cookieSecret,
      limits,
      count: (response) => metrics.count(response, "udp"),
    });
    metrics.addWorkers(batched);
    guardCounts.push((counter) => batched.guardCount(counter));
    return [batched];
  };
  const open: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    limits.close();
    // while askers still come they are still answered
    await source.withdraw?.();
    await Promise.all([source.stop(), ...open.map((part) => part.close())]);
  };
  const reload = async (next: Config): Promise<void> => {
    const fixed = RESTART_KEYS.find((key) => !isDeepStrictEqual(config[key], next[key]));
    if (fixed !== undefined)
      throw new UserError(`the key ${fixed} has changed, which needs a restart; the old configuration stays in force`);
    const old = source;
    let complete = (): void => {};
    const completed = new Promise<void>((resolve) => (complete = resolve));
    const fresh: Source = await startSource(next, (since) => (source === fresh ? swap(since) : complete()));
    if (!isComplete(fresh)) await completed;
    source = fresh;
    limits.setRateLimit(next.rateLimit);
    swap();
    await old.stop();
  };
  try {
    const start = async (transport: Transport): Promise<void> => {
      await transport.listen();
      open.push(transport);
    };
    const tcp = config.listen.map((endpoint) => new TcpTransport(endpoint, handler("tcp")));
    for (const transport of tcp) await start(transport);
    // a port 0 was chosen by TCP; UDP takes the same
    const endpoints = tcp.map(({ endpoint }) => endpoint);
    for (const transport of await udpTransports(endpoints)) await start(transport);
    const http = config.http && (await serveHttp(config.http, metrics.registry, () => isComplete(source)));
    if (http) open.push(http);
    if (config.control !== undefined) open.push(await serveControl(config.control, controlRoutes(() => source, limits.refusals)));
    log("info", "serving", {
      role: config.role,
      listen: endpoints.map(formatEndpoint),
      ...(http ? { http: formatEndpoint(http.endpoint) } : {}),
    });
    return { endpoints, http: http?.endpoint, reload, close };
  } catch (error) {
    await close();
    throw error;
  }
}
