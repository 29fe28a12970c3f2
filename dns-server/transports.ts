import type { Config } from "./config/roles.ts";
import { ConnectionLimits } from "./limit/connections.ts";
import { Guard, GuardCounter } from "./limit/guard.ts";
import { guarded } from "./limit/guarded.ts";
import { Limits } from "./limit/limits.ts";
import { registerLimitMetrics } from "./limit/metrics.ts";
import type { Metrics } from "./metrics.ts";
import { Certificate } from "./transport/certificate.ts";
import { HttpsTransport } from "./transport/https.ts";
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from "./transport/listener.ts";
import { padded } from "./transport/padding.ts";
import { TcpTransport } from "./transport/tcp.ts";
import { TlsTransport } from "./transport/tls.ts";
import type { Transport } from "./transport/transport.ts";
import { UdpTransport } from "./transport/udp.ts";
import type { Answerer } from "./view/answerer.ts";
import type { Handler, Protocol } from "./view/exchange.ts";
import { Cookies } from "./wire/cookie.ts";
import type { Endpoint } from "./wire/endpoint.ts";

/** Everything that queries come in by. Ports 0 have become real ones. */
export interface Transports {
  /** UDP and TCP alike. */
  readonly endpoints: readonly Endpoint[];
  readonly tls: readonly Endpoint[];
  readonly https: readonly Endpoint[];
  readonly limits: Limits;
  readonly certificate: Certificate | undefined;
  close(): Promise<void>;
}

interface Parts {
  readonly answerer: Answerer;
  readonly metrics: Metrics;
  readonly nsid: Uint8Array;
  readonly cookieSecret: Uint8Array;
}

/**
 * Opens what the configuration names, with its limits before all of it.
 * @throws UserError for a faulty certificate or file of refusals; the system's error when it cannot listen
 */
export async function openTransports(config: Config, { answerer, metrics, nsid, cookieSecret }: Parts): Promise<Transports> {
  const open: { close(): Promise<void> | void }[] = [];
  const close = async (): Promise<void> => void (await Promise.all(open.map((part) => part.close())));
  const limits = new Limits(config.rateLimit, config.refusals);
  open.push(limits);
  const guardCounters = new Float64Array(GuardCounter.SIZE);
  const guardCounts = [(counter: number) => guardCounters[counter]!];
  const guard = new Guard(new Cookies(cookieSecret), guardCounters);
  limits.listen((settings) => guard.set(settings));
  const connections = new ConnectionLimits(config.connections);
  const streamLimits: StreamLimits = {
    ...DEFAULT_STREAM_LIMITS,
    idleMs: 1000 * config.connections.idleSeconds,
    enter: (client, evict) => (guard.admits(client) ? connections.enter(client, evict) : undefined),
  };
  let failedHandshakes = 0;
  registerLimitMetrics(metrics.registry, {
    guardCount: (counter) => guardCounts.reduce((sum, count) => sum + count(counter), 0),
    connections,
    failedHandshakes: () => failedHandshakes,
  });
  const handler = (protocol: Protocol): Handler =>
    guarded(guard, protocol !== "udp", (message, client) => {
      const start = performance.now();
      const response = answerer.respond(message, protocol, client);
      metrics.count(response, protocol, (performance.now() - start) / 1000);
      return response;
    });
  const udpTransports = async (endpoints: readonly Endpoint[]): Promise<Transport[]> => {
    if (config.udp === "plain") return endpoints.map((endpoint) => new UdpTransport(endpoint, handler("udp")));
    // only here, since it loads native code that other systems than Linux lack
    const { BatchedUdpTransport } = await import("./transport/batched/batched-udp.ts");
    const count = (response: Parameters<Metrics["count"]>[0]): void => metrics.count(response, "udp");
    const { workers } = config;
    const batched = new BatchedUdpTransport(endpoints, answerer, { workers, nsid, cookieSecret, limits, handle: handler("udp"), count });
    metrics.addWorkers(batched);
    guardCounts.push((counter) => batched.guardCount(counter));
    return [batched];
  };
  const start = async <T extends Transport>(transports: readonly T[]): Promise<readonly T[]> => {
    for (const transport of transports) {
      await transport.listen();
      open.push(transport);
    }
    return transports;
  };
  const endpointsOf = (transports: readonly { readonly endpoint: Endpoint }[]): Endpoint[] => transports.map(({ endpoint }) => endpoint);
  try {
    const tcp = await start(config.listen.map((endpoint) => new TcpTransport(endpoint, handler("tcp"), streamLimits)));
    // a port 0 was chosen by TCP; UDP takes the same
    const endpoints = endpointsOf(tcp);
    await start(await udpTransports(endpoints));
    if (!config.tls) return { endpoints, tls: [], https: [], limits, certificate: undefined, close };
    const certificate = new Certificate(config.tls);
    open.push(certificate);
    const settings = { certificate, limits: streamLimits, failed: () => void failedHandshakes++ };
    const tls = await start(config.tls.listen.map((endpoint) => new TlsTransport(endpoint, padded(handler("tls")), settings)));
    const https = await start(config.tls.https.map((endpoint) => new HttpsTransport(endpoint, padded(handler("https")), settings)));
    return { endpoints, tls: endpointsOf(tls), https: endpointsOf(https), limits, certificate, close };
  } catch (error) {
    await close();
    throw error;
  }
}
