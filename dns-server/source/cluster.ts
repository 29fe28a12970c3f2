import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig } from "../config/config.ts";
import { request, type ApiRequest } from "../kubernetes/api.ts";
import { watchCluster, type ClusterWatch } from "../kubernetes/cluster.ts";
import type { Published } from "../publishing/domain-zone.ts";
import { Events, REMINDER_MS } from "../kubernetes/events.ts";
import { faultId } from "../kubernetes/fault.ts";
import type { FactsByKind, Kind } from "../kubernetes/facts.ts";
import { Inventory } from "../domains/inventory.ts";
import type { Domain, Fault } from "../model/domain.ts";
import { IngressStatuses } from "../kubernetes/status.ts";
import { loadKubeConfig } from "../kubernetes/watch.ts";
import { showName } from "../model/names.ts";
import { Zones } from "../publishing/zones.ts";
import { log } from "../runtime/log.ts";
import { PrometheusAccess } from "../steering/access.ts";
import { Registration } from "../registration/registration.ts";
import { going } from "../runtime/unexpected.ts";
import type { View } from "../view/view.ts";
import { foldName, formatName, isSubdomain, parentName, parseName, ROOT, wildcardOf, type Name } from "../wire/name.ts";
import { explainDomain } from "../selection/explanation.ts";
import { LastViewFile, type LastView } from "../publishing/last-view.ts";
import { Selector } from "../selection/selector.ts";
import type { Source } from "./source.ts";

/** A source whose answers are chosen among pods. */
export interface ClusterSource extends Source {
  readonly selector: Selector;
  /** Other clusters that serve the same domains. */
  readonly delegations: Zones["delegations"];
  /** Whose each name is. */
  owners(): ReturnType<Inventory["owners"]>;
}

/** How often it is looked whether all has settled, in the time that it may take. */
const SETTLE_CHECKS = 60;

/**
 * A view that follows the objects of a cluster: objects -> domains -> which targets are given -> zones -> view. Changes that come together
 * make one view.
 * @param changed called after each new view, with the times of the changes that led to it, in milliseconds since the epoch
 * @param old the source of the configuration before: what it knows stays in force until it is found out anew
 * @throws UserError when there is no access to a cluster, or what Prometheus is asked with cannot be read
 */
export function clusterSource(config: ClusterConfig, changed: (since: readonly number[]) => void, old?: Source): ClusterSource {
  const { register, zone, nameServers, delegationTtl } = config;
  const access = config.prometheus && new PrometheusAccess(config.prometheus);
  const earlier = old && "selector" in old ? (old as ClusterSource) : undefined;
  const vanity = new Set(config.vanity.map(({ name }) => name));
  // what is not known to be current is not kept
  const current = (): LastView | undefined =>
    isRead && watch.lost() === undefined ? { published: zones.all(), owners: inventory.owners() } : undefined;
  const file = config.file === undefined ? undefined : new LastViewFile(config.file, current);
  // what another configuration serves is fresher
  let stale = old ? undefined : file?.read();
  const inventory: Inventory = new Inventory(
    { ...config, nameServers: new Set(nameServers.map(({ name }) => name)), reserved: vanity },
    earlier?.owners() ?? stale?.owners,
  );
  const zones = new Zones(
    config,
    config.domains.map((domain) => foldName(parseName(domain, zone))),
  );
  // the parent may be away
  if (register) earlier?.delegations.forEach((servers, domain) => zones.delegate(domain, servers));
  for (const { name, target } of config.vanity) {
    zones.set({ name, origin: parentName(name), alias: target, onlyTop: true, chosen: [], named: [], ttl: delegationTtl });
  }
  const registered = nameServers.filter(({ name }) => register?.as?.includes(name) ?? true);
  const domains = new Map<Name, Domain>();
  /** Domains of which it has to be chosen anew what is given. */
  const unchosen = new Set<Name>();
  /** Whether the cluster has been read, so that the view is made of what there is now. */
  let isRead = false;
  const isOurs = ({ name }: Published): boolean => isSubdomain(name, zone) && !vanity.has(name);
  for (const published of stale?.published ?? []) if (isOurs(published)) zones.set(published);
  // what was not served before is not known to be absent
  let view: View = {
    zones: stale ? zones.build(Math.floor(Date.now() / 1000)) : new Map(),
    loading: [zone, ...Array.from(vanity, parentName)],
  };
  if (stale) log("warn", "serving the last view until the cluster has been read", { seconds: Math.round((Date.now() - stale.at) / 1000) });
  let since: number[] = [];
  let made = { version: 0, at: Date.now() };
  let swap: NodeJS.Immediate | undefined;

  const takeDomain = (name: Name, domain: Domain | undefined): void => {
    const old = domains.get(name);
    if (domain) domains.set(name, domain);
    else domains.delete(name);
    // a name that was an alias and now has targets, or the other way round, moves to another zone
    if (old && old.origin !== domain?.origin) zones.remove(name, old.origin);
    unchosen.add(name);
  };
  const publish = (domain: Domain): Published => {
    const { chosen, candidates, ttl } = selector.select(domain);
    return { ...domain, chosen, named: candidates, ttl: ttl.seconds };
  };
  const rebuildGoing = going("view", () => rebuild());
  const rebuild = (): void => {
    swap = undefined;
    const changes = inventory.flush();
    for (const [name, domain] of changes.domains) takeDomain(name, domain);
    for (const fault of changes.faults) tell(fault);
    statuses.check(changes.ingresses);
    for (const name of unchosen) {
      const domain = domains.get(name);
      if (domain) zones.set(publish(domain));
      else selector.remove(name);
    }
    unchosen.clear();
    for (const published of stale?.published ?? []) {
      const { name, origin } = published;
      if (isOurs(published) && domains.get(name)?.origin !== origin) zones.remove(name, origin);
    }
    stale = undefined;
    isRead = true;
    // serials only have to grow; seconds do for a zone that nobody transfers
    const built = zones.build(Math.floor(Date.now() / 1000));
    // a probe or a load that changes nothing makes no view
    if (isComplete() && built === view.zones) return void since.splice(0);
    view = { zones: built, loading: [] };
    made = { version: made.version + 1, at: Date.now() };
    registration?.set(zones.delegated(zone));
    file?.changed();
    changed(since.splice(0));
  };
  const schedule = (): void => {
    // before that there is nothing to make a view of
    if (isRead) swap ??= setImmediate(rebuildGoing);
  };
  const isComplete = (): boolean => view.loading.length === 0;
  const registration =
    register &&
    new Registration(
      { ...register, zone, nameServers: registered, ttl: delegationTtl },
      {
        delegated: (domain, servers) => {
          zones.delegate(domain, servers);
          schedule();
        },
        refused: (name) => {
          const owner = domains.get(name)?.owner;
          const message =
            `${showName(name)} is not delegated to this cluster, so that nobody finds it: a server of the zone ${showName(zone)} refuses ` +
            `it, since others have records at or below it, or its key may not delegate to here; choose another name, or change that zone`;
          if (owner) events.tell({ object: owner, reason: "NotDelegated", message }, () => domains.has(name));
        },
      },
    );

  // a delegation lives as long as it is renewed
  if (stale) registration?.set(zones.delegated(zone));
  const kubeConfig = loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context);
  const send = (asked: ApiRequest): Promise<unknown> => request(kubeConfig, asked);
  const statuses = new IngressStatuses(send, (key) => inventory.ingressStatus(key));
  const events = new Events(send);
  const tell = (fault: Fault): void => events.tell(fault, () => inventory.faults.has(faultId(fault)));
  // Kubernetes forgets Events, but not what is wrong
  const reminder = setInterval(
    going("events", () => inventory.faults.forEach(tell)),
    REMINDER_MS,
  );
  reminder.unref();
  const selector = new Selector(
    { ...config, access, probe: { intervalMs: config.probe.interval * 1000 } },
    {
      changed: (name) => {
        unchosen.add(name);
        if (isComplete()) schedule();
      },
      silent: (name, probe, result) => {
        const owner = domains.get(name)?.owner;
        const message =
          `no target of ${showName(name)} has ever answered its probe ${probe} (${result}), so that all are given, well or not; ` +
          `say by the annotation dns.peak/probe what they answer: tcp:PORT, http:PORT/PATH or off`;
        if (owner) events.tell({ object: owner, reason: "ProbeFails", message }, () => domains.has(name));
      },
      fault: ({ name, owner, steering, ttl }, message) =>
        events.tell(
          { object: owner, reason: "InvalidQuery", message: `${formatName(name)} is not steered by its query: ${message}` },
          () => {
            const now = domains.get(name);
            return isDeepStrictEqual([now?.steering, now?.ttl], [steering, ttl]);
          },
        ),
    },
    earlier?.selector,
  );

  const watch: ClusterWatch = watchCluster(kubeConfig, {
    set: (kind, key, facts) => {
      const before = isComplete() ? changeTime(kind, inventory, key, facts) : undefined;
      // before the first complete lists there is no view to change
      if (!inventory.set(kind, key, facts) || before === undefined) return;
      since.push(before);
      schedule();
    },
    listed: (all) => {
      if (!all) return;
      if (!isComplete()) {
        rebuild();
        log("info", "the cluster has been read", { domains: domains.size });
      } else schedule();
    },
  });
  return {
    selector,
    delegations: zones.delegations,
    owners: () => inventory.owners(),
    view: () => view,
    lost: () => {
      const lost = watch.lost();
      const since = Math.min(lost?.since ?? Infinity, stale?.at ?? Infinity);
      return lost && { seconds: (Date.now() - since) / 1000, reason: lost.loss?.reason ?? "no contact yet" };
    },
    settled: async () => {
      // two failures, and a bit
      const patience = 3 * config.probe.interval + (config.prometheus?.timeout ?? 0);
      for (let i = 0; i < SETTLE_CHECKS && !selector.isSettled(); i++) await setTimeout((1000 * patience) / SETTLE_CHECKS);
    },
    selection: () => ({ ...selector.counts(), kubernetesErrors: watch.errors, kubernetesMissing: watch.missing() }),
    explain: (name) => {
      const domain = findDomain(domains, name);
      if (!domain) return undefined;
      const lost = watch.lost();
      const age = (Date.now() - made.at) / 1000;
      const frozen = lost && { frozen: (Date.now() - lost.since) / 1000, error: lost.loss?.message };
      return explainDomain(domain, selector, { version: made.version, age, ...frozen }, config);
    },
    withdraw: async () => registration?.withdraw(),
    registrations: () => registration?.states() ?? [],
    stop: async () => {
      if (swap) clearImmediate(swap);
      clearInterval(reminder);
      selector.stop();
      events.stop();
      statuses.stop();
      registration?.stop();
      await Promise.all([watch.stop(), file?.stop()]);
    },
  };
}

/** The domain that a name is answered by: its own, the one of the same name's parents that it is in, or a wildcard. */
function findDomain(domains: ReadonlyMap<Name, Domain>, name: Name): Domain | undefined {
  for (let at = name; ; at = parentName(at)) {
    const domain = domains.get(at) ?? (at === name ? undefined : domains.get(wildcardOf(at)));
    if (domain || at === ROOT) return domain;
  }
}

/** When what an object tells came to be: as the object says where it says so, else now. Milliseconds since the epoch. */
function changeTime<K extends Kind>(kind: K, inventory: Inventory, key: string, facts: FactsByKind[K] | undefined): number {
  const now = Date.now();
  const slash = key.indexOf("/");
  const old = inventory.get(kind, key.slice(0, slash), key.slice(slash + 1));
  const told =
    facts && "readySince" in facts && old && "readySince" in old && facts.readySince !== old.readySince
      ? facts.readySince
      : facts && "triggered" in facts && old && "triggered" in old && facts.triggered !== old.triggered
        ? facts.triggered
        : undefined;
  // the API tells whole seconds: what is less than one ago may be now
  return told !== undefined && told < now - 1000 ? told : now;
}
