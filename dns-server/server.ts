import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import type { ClusterConfig, Config, RootConfig } from './config.ts';
import { serveHttp } from './http.ts';
import { addressRecord, Domains } from './kubernetes/domains.ts';
import { DOMAIN_KEY, endpointOf, isDomain, podKey } from './kubernetes/pods.ts';
import { loadKubeConfig, watchPods } from './kubernetes/watch.ts';
import { log } from './log.ts';
import { Metrics } from './metrics.ts';
import { TcpTransport } from './transport/tcp.ts';
import { formatEndpoint, type Endpoint, type Handler, type Transport } from './transport/transport.ts';
import { UdpTransport } from './transport/udp.ts';
import { Responder, type Protocol } from './view/responder.ts';
import type { View } from './view/view.ts';
import { Cookies } from './wire/cookie.ts';
import { nameBytes, parseName } from './wire/name.ts';
import { Type } from './wire/constants.ts';
import { loadZone, readZoneFile } from './zone/load.ts';
import { formatFault, type ZoneRecord } from './zone/record.ts';
import type { Zone } from './zone/zone.ts';

/** Where a view comes from. */
interface Source {
  view(): View;
  /** Seconds since the source was lost; 0 while it is followed. */
  ageSeconds(): number;
  pods(): { ready: number; notReady: number } | undefined;
  stop(): Promise<void>;
}

export interface Server {
  /** Where it listens, UDP and TCP alike; ports 0 have become real ones. */
  readonly endpoints: readonly Endpoint[];
  readonly http: Endpoint | undefined;
  close(): Promise<void>;
}

/** Zone of a root server: the records of its file or text, and its static delegations. */
export function rootZone(config: RootConfig): Zone {
  const ttl = config.delegationTtl;
  const delegations = Object.entries(config.delegations).flatMap(([domain, servers]) => servers.flatMap(({ name, addresses }): ZoneRecord[] => [
    { name: parseName(domain, config.zone), type: Type.NS, ttl, rdata: nameBytes(name) },
    ...addresses.map((address) => addressRecord(name, ttl, address)),
  ]));
  const text = config.records ?? readZoneFile(config.file!);
  const { zone, warnings } = loadZone(config.zone, text, config.file ?? 'records', delegations);
  for (const warning of warnings) log('warn', formatFault(warning));
  return zone;
}

function rootSource(config: RootConfig): Source {
  const zone = rootZone(config);
  const view: View = { zones: new Map([[zone.origin, zone]]), loading: [] };
  return { view: () => view, ageSeconds: () => 0, pods: () => undefined, stop: async () => {} };
}

function clusterSource(config: ClusterConfig, changed: () => void): Source {
  const domains = new Domains(config);
  let view: View = { zones: new Map(), loading: [config.zone] };
  let lostAt: number | undefined = Date.now();
  let lastError: string | undefined;
  let swap: NodeJS.Immediate | undefined;
  const rebuild = (): void => {
    swap = undefined;
    // serials only have to grow; seconds do for a zone that nobody transfers
    view = { zones: domains.build(Math.floor(Date.now() / 1000)), loading: [] };
    changed();
  };
  const kubernetes = loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context);
  const watch = watchPods(kubernetes, {
    changed: (pod) => {
      const endpoint = endpointOf(pod);
      if (endpoint && !isDomain(endpoint.domain)) log('warn', `pod ${endpoint.pod}: ${DOMAIN_KEY} "${endpoint.domain}" is no host name`);
      schedule(domains.update(podKey(pod), endpoint));
    },
    removed: (pod) => schedule(domains.update(podKey(pod), undefined)),
    listed: () => {
      if (view.loading.length > 0) log('info', 'the list of pods is complete', { ...domains.counts() });
      rebuild();
    },
    connection: (error) => {
      if (error === undefined) {
        if (lostAt !== undefined) log('info', 'watching the pods');
        lostAt = undefined;
      } else {
        if (error !== lastError) log('warn', 'the Kubernetes API is away, serving the last view', { error });
        lostAt ??= Date.now();
      }
      lastError = error;
    },
  });
  /** Changes that come together make one view. Before the first complete list there is none to change. */
  function schedule(change: boolean): void {
    if (change && view.loading.length === 0) swap ??= setImmediate(rebuild);
  }
  return {
    view: () => view,
    ageSeconds: () => (lostAt === undefined ? 0 : (Date.now() - lostAt) / 1000),
    pods: () => domains.counts(),
    stop: async () => {
      if (swap) clearImmediate(swap);
      await watch.stop();
    },
  };
}

/**
 * Starts a server.
 * @throws UserError for a bad zone or kubeconfig; the system's error when it cannot listen
 */
export async function startServer(config: Config): Promise<Server> {
  let version = 1;
  const source = config.role === 'root' ? rootSource(config) : clusterSource(config, () => version++);
  const metrics = new Metrics({ viewVersion: () => version, viewAgeSeconds: () => source.ageSeconds(), pods: () => source.pods() });
  const responder = new Responder({ nsid: Buffer.from(config.nsid ?? hostname()), cookies: new Cookies(randomBytes(16)) });
  const handler = (protocol: Protocol): Handler => (message, client) => {
    const response = responder.respond(source.view(), message, protocol, client);
    metrics.count(response, protocol);
    return response;
  };
  const open: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([source.stop(), ...open.map((part) => part.close())]);
  };
  try {
    const endpoints: Endpoint[] = [];
    for (const wanted of config.listen) {
      const start = async (transport: Transport): Promise<Endpoint> => {
        await transport.listen();
        open.push(transport);
        return transport.endpoint;
      };
      // a port 0 is chosen by TCP; UDP takes the same
      const chosen = await start(new TcpTransport(wanted, handler('tcp')));
      endpoints.push(await start(new UdpTransport(chosen, handler('udp'))));
    }
    const http = config.http && (await serveHttp(config.http, metrics.registry, () => source.view().loading.length === 0));
    if (http) open.push(http);
    log('info', 'serving', { role: config.role, listen: endpoints.map(formatEndpoint), ...(http ? { http: formatEndpoint(http.endpoint) } : {}) });
    return { endpoints, http: http?.endpoint, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits for SIGTERM or SIGINT, then closes the server. */
export async function closeOnSignal(server: Server): Promise<void> {
  const aborted = new AbortController();
  const { signal } = aborted;
  const [name] = (await Promise.race([once(process, 'SIGTERM', { signal }), once(process, 'SIGINT', { signal })])) as [string];
  aborted.abort();
  log('info', 'stopping', { signal: name });
  await server.close();
}
