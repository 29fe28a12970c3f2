import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.ts';
import { UserError } from './errors.ts';
import { serveHttp } from './http.ts';
import { log } from './log.ts';
import { Metrics } from './metrics.ts';
import { clusterSource } from './source/cluster.ts';
import { isComplete, type Source } from './source/source.ts';
import { loadRootZone, loadZones, staticSource } from './source/static.ts';
import { TcpTransport } from './transport/tcp.ts';
import { formatEndpoint, type Endpoint, type Handler, type Transport } from './transport/transport.ts';
import { UdpTransport } from './transport/udp.ts';
import { Answerer } from './view/answerer.ts';
import type { Protocol } from './view/responder.ts';
import { Cookies } from './wire/cookie.ts';

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

function startSource(config: Config, changed: () => void): Source {
  switch (config.role) {
    case 'root':
      return staticSource([loadRootZone(config)]);
    case 'zones':
      return staticSource(loadZones(config));
    case 'cluster':
      return clusterSource(config, changed);
  }
}

const RESTART_KEYS = ['role', 'listen', 'http', 'nsid'] as const;

/**
 * Starts a server.
 * @throws UserError for a bad zone or kubeconfig; the system's error when it cannot listen
 */
export async function startServer(config: Config): Promise<Server> {
  let version = 0;
  let source = startSource(config, () => swap());
  const answerer = new Answerer({ nsid: Buffer.from(config.nsid ?? hostname()), cookies: new Cookies(randomBytes(16)) });
  const swap = (): void => {
    version++;
    answerer.setView(source.view());
  };
  swap();
  const metrics = new Metrics({ viewVersion: () => version, viewAgeSeconds: () => source.ageSeconds(), pods: () => source.pods() });
  const handler = (protocol: Protocol): Handler => (message, client) => {
    const response = answerer.respond(message, protocol, client);
    metrics.count(response, protocol);
    return response;
  };
  const open: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([source.stop(), ...open.map((part) => part.close())]);
  };
  const reload = async (next: Config): Promise<void> => {
    const fixed = RESTART_KEYS.find((key) => !isDeepStrictEqual(config[key], next[key]));
    if (fixed !== undefined) throw new UserError(`the key ${fixed} has changed, which needs a restart; the old configuration stays in force`);
    const old = source;
    let complete = (): void => {};
    const completed = new Promise<void>((resolve) => (complete = resolve));
    const fresh = startSource(next, () => (source === fresh ? swap() : complete()));
    if (!isComplete(fresh)) await completed;
    source = fresh;
    swap();
    await old.stop();
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
    const http = config.http && (await serveHttp(config.http, metrics.registry, () => isComplete(source)));
    if (http) open.push(http);
    log('info', 'serving', { role: config.role, listen: endpoints.map(formatEndpoint), ...(http ? { http: formatEndpoint(http.endpoint) } : {}) });
    return { endpoints, http: http?.endpoint, reload, close };
  } catch (error) {
    await close();
    throw error;
  }
}
