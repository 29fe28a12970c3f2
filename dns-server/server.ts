import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config/roles.ts";
import { controlRoutes } from "./control/routes.ts";
import { serveControl } from "./control/server.ts";
import { registerSignatureMetrics } from "./dnssec/metrics.ts";
import { serveHttp } from "./http.ts";
import { registerWatchMetrics } from "./kubernetes/metrics.ts";
import { Metrics } from "./metrics.ts";
import { UserError } from "./runtime/errors.ts";
import { log } from "./runtime/log.ts";
import { registerSelectionMetrics } from "./selection/metrics.ts";
import { secondarySource } from "./source/secondary.ts";
import { isComplete, NO_EXCHANGE, type Source } from "./source/source.ts";
import { rootSource, zonesSource } from "./source/static.ts";
import { TransferCounts } from "./transfer/counts.ts";
import { OutgoingTransfers } from "./transfer/outgoing.ts";
import { Refused, type Reason } from "./transfer/refused.ts";
import { openTransports } from "./transports.ts";
import { Answerer } from "./view/answerer.ts";
import type { Request } from "./view/exchange.ts";
import { Opcode, Rcode, Type } from "./wire/constants.ts";
import { Cookies } from "./wire/cookie.ts";
import { formatEndpoint, type Endpoint } from "./wire/endpoint.ts";
import { TsigError } from "./wire/tsig.ts";

export interface Server {
  /** Where it listens, UDP and TCP alike; ports 0 have become real ones. */
  readonly endpoints: readonly Endpoint[];
  /** Where it listens for DNS over TLS, and over HTTPS. */
  readonly tls: readonly Endpoint[];
  readonly https: readonly Endpoint[];
  readonly http: Endpoint | undefined;
  /**
   * Puts a new configuration into force once its view is complete; until then, and if it is bad, the old one stays.
   * @throws UserError when it is bad, or changes what only a restart can change
   */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** @param old what the configuration before was served from */
async function startSource(
  config: Config,
  counts: TransferCounts,
  changed: (since?: readonly number[]) => void,
  old?: Source,
): Promise<Source> {
  switch (config.role) {
    case "root":
      return rootSource(config, changed);
    case "zones":
      return zonesSource(config);
    case "secondary":
      return secondarySource(config, counts, changed, old);
    case "cluster": {
      // only here: the Kubernetes client is most of the memory
      const { clusterSource } = await import("./source/cluster/cluster.ts");
      return clusterSource(config, changed, old);
    }
  }
}

const RESTART_KEYS = ["role", "listen", "http", "metricsFrom", "control", "nsid", "udp", "workers", "tls", "connections", "refusals"] as const;

const TSIG_REASONS: ReadonlyMap<number, Reason> = new Map([
  [TsigError.BADKEY, "BADKEY"],
  [TsigError.BADSIG, "BADSIG"],
  [TsigError.BADTIME, "BADTIME"],
  [TsigError.BADTRUNC, "BADTRUNC"],
]);
const unentitled = ({ key }: Request): Reason => (key === undefined ? "unsigned" : "ungranted");

/**
 * Starts a server.
 * @throws UserError for a bad zone or kubeconfig; the system's error when it cannot listen
 */
export async function startServer(config: Config): Promise<Server> {
  let version = 0;
  const metrics = new Metrics({
    viewVersion: () => version,
    lost: () => source.lost(),
    registrations: () => source.parent?.states() ?? [],
  });
  registerSignatureMetrics(metrics.registry, () => source.view().signers?.values() ?? []);
  registerSelectionMetrics(metrics.registry, () => source.pods?.selection());
  registerWatchMetrics(metrics.registry, () => source.pods?.watch());
  const counts: TransferCounts = new TransferCounts(
    metrics.registry,
    () => transfers.serials(),
    () => source.primaries?.behind() ?? [],
  );
  let source = await startSource(config, counts, (since) => swap(since));
  const refused = new Refused(metrics.registry);
  const nsid = Buffer.from(config.nsid ?? "");
  const cookieSecret = randomBytes(16);
  const identity = { nsid, cookies: new Cookies(cookieSecret) };
  const answerer = new Answerer(identity);
  const transfers: OutgoingTransfers = new OutgoingTransfers(identity, config.listen, counts);
  const swap = (since: readonly number[] = []): void => {
    version++;
    const view = source.view();
    answerer.setView(view);
    transfers.setView(view);
    for (const time of since) metrics.programmed((Date.now() - time) / 1000);
  };
  const adopt = (next: Source): void => {
    source = next;
    const { keys, offers, update, notify } = source.exchange ?? NO_EXCHANGE;
    transfers.configure(offers, keys);
    answerer.setServices({
      keys,
      notify,
      update: (request) => {
        const response = update(request);
        if (response) counts.update(response.rcode);
        if (response?.rcode === Rcode.REFUSED) refused.note("update", unentitled(request), request.client, request.key);
        return response;
      },
      badlySigned: ({ opcode, type, error, client, key }) => {
        const isTransfer = type === Type.AXFR || type === Type.IXFR;
        const asked = opcode === Opcode.UPDATE ? "update" : opcode === Opcode.NOTIFY ? "notify" : isTransfer ? "transfer" : "query";
        refused.note(asked, TSIG_REASONS.get(error) ?? "BADSIG", client, key);
      },
      transfer: (request, question) => {
        const response = transfers.respond(request, question);
        if (!response) refused.note("transfer", unentitled(request), request.client, request.key);
        return response;
      },
    });
    swap();
  };
  adopt(source);
  const open: { close(): Promise<void> }[] = [];
  /** Of the configuration that is being loaded, if any. */
  let loading = new AbortController();
  const close = async (): Promise<void> => {
    loading.abort();
    // while askers still come they are still answered
    await source.parent?.withdraw();
    transfers.stop();
    await Promise.all([source.stop(), ...open.map((part) => part.close())]);
  };
  try {
    const transports = await openTransports(config, { answerer, metrics, nsid, cookieSecret });
    open.push(transports);
    const http = config.http && (await serveHttp(config.http, config.metricsFrom, metrics.registry, () => isComplete(source)));
    if (http) open.push(http);
    if (config.control !== undefined) open.push(await serveControl(config.control, controlRoutes(() => source, transports.limits.refusals)));
    const { endpoints, tls, https } = transports;
    log("info", "serving", {
      role: config.role,
      listen: endpoints.map(formatEndpoint),
      ...(tls.length > 0 ? { tls: tls.map(formatEndpoint) } : {}),
      ...(https.length > 0 ? { https: https.map(formatEndpoint) } : {}),
      ...(http ? { http: formatEndpoint(http.endpoint) } : {}),
    });
    const reload = async (next: Config): Promise<void> => {
      const fixed = RESTART_KEYS.find((key) => !isDeepStrictEqual(config[key], next[key]));
      if (fixed !== undefined) throw new UserError(`the key ${fixed} has changed, which needs a restart`);
      transports.certificate?.reload();
      loading.abort();
      loading = new AbortController();
      const { signal } = loading;
      const changed = (since?: readonly number[]): void => {
        if (source === fresh) swap(since);
      };
      const fresh: Source = await startSource(next, counts, changed, source);
      try {
        // a secondary has taken over what there was; what is new comes when its primary gives it
        await fresh.pods?.settled(signal);
        signal.throwIfAborted();
      } catch (error) {
        await fresh.stop();
        throw signal.aborted ? new UserError("a later one has come before it was complete") : error;
      }
      const old = source;
      transports.limits.setRateLimit(next.rateLimit);
      adopt(fresh);
      await old.stop();
    };
    return { endpoints, tls, https, http: http?.endpoint, reload, close };
  } catch (error) {
    await close();
    throw error;
  }
}
