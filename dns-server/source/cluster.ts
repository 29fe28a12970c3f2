import type { ClusterConfig } from "../config.ts";
import { request, type ApiRequest } from "../kubernetes/api.ts";
import { watchCluster } from "../kubernetes/cluster.ts";
import type { Published } from "../kubernetes/domains.ts";
import { Events, REMINDER_MS } from "../kubernetes/events.ts";
import { faultId } from "../kubernetes/fault.ts";
import type { FactsByKind, Kind } from "../kubernetes/facts.ts";
import { Inventory } from "../kubernetes/inventory.ts";
import type { Domain, Fault, Target } from "../kubernetes/model.ts";
import { IngressStatuses } from "../kubernetes/status.ts";
import { loadKubeConfig } from "../kubernetes/watch.ts";
import { Zones } from "../kubernetes/zones.ts";
import { log } from "../log.ts";
import { Registration } from "../update/registration.ts";
import type { View } from "../view/view.ts";
import { foldName, parentName, parseName, type Name } from "../wire/name.ts";
import type { Source } from "./source.ts";

/**
 * A view that follows the objects of a cluster: objects -> domains -> which targets are given -> zones -> view. Changes that come together make
 * one view.
 * @param changed called after each new view, with the times of the changes that led to it, in milliseconds since the epoch
 * @throws UserError when there is no access to a cluster
 */
export function clusterSource(config: ClusterConfig, changed: (since: readonly number[]) => void): Source {
  const { register, zone, nameServers, delegationTtl } = config;
  const inventory = new Inventory({ zone, ingressClass: config.ingressClass });
  const zones = new Zones(
    config,
    config.domains.map((domain) => foldName(parseName(domain, zone))),
  );
  const vanity = new Set(config.vanity.map(({ name }) => name));
  for (const { name, target } of config.vanity) {
    zones.set({ name, origin: parentName(name), alias: target, onlyTop: true, chosen: [], named: [], ttl: delegationTtl });
  }
  const registered = nameServers.filter(({ name }) => register?.as?.includes(name) ?? true);
  const registration = register && new Registration({ ...register, zone, nameServers: registered, ttl: delegationTtl });
  const domains = new Map<Name, Domain>();
  /** Domains of which it has to be chosen anew what is given. */
  const stale = new Set<Name>();
  let view: View = { zones: new Map(), loading: [zone, ...Array.from(vanity, parentName)] };
  let since: number[] = [];
  let swap: NodeJS.Immediate | undefined;

  const takeDomain = (name: Name, domain: Domain | undefined): void => {
    // the operator's word goes before an object's
    if (vanity.has(name)) return;
    const old = domains.get(name);
    if (domain) domains.set(name, domain);
    else domains.delete(name);
    // a name that was an alias and now has targets, or the other way round, moves to another zone
    if (old && old.origin !== domain?.origin) zones.remove(name, old.origin);
    stale.add(name);
  };
  const publish = (domain: Domain): Published => {
    const chosen = domain.targets.filter(isGivable);
    return { ...domain, chosen, named: chosen, ttl: domain.ttl?.kind === "fixed" ? domain.ttl.seconds : config.ttl };
  };
  const rebuild = (): void => {
    swap = undefined;
    const changes = inventory.flush();
    for (const [name, domain] of changes.domains) takeDomain(name, domain);
    for (const fault of changes.faults) tell(fault);
    statuses.check(changes.ingresses);
    for (const name of stale) {
      const domain = domains.get(name);
      if (domain) zones.set(publish(domain));
    }
    stale.clear();
    // serials only have to grow; seconds do for a zone that nobody transfers
    view = { zones: zones.build(Math.floor(Date.now() / 1000)), loading: [] };
    registration?.set(zones.delegated(zone));
    changed(since.splice(0));
  };
  const schedule = (): void => {
    swap ??= setImmediate(rebuild);
  };
  const isComplete = (): boolean => view.loading.length === 0;

  const kubeConfig = loadKubeConfig(config.kubernetes.kubeconfig, config.kubernetes.context);
  const send = (asked: ApiRequest): Promise<unknown> => request(kubeConfig, asked);
  const statuses = new IngressStatuses(send, (key) => inventory.ingressStatus(key));
  const events = new Events(send);
  const tell = (fault: Fault): void => events.tell(fault, () => inventory.faults.has(faultId(fault)));
  // Kubernetes forgets Events, but not what is wrong
  const reminder = setInterval(() => inventory.faults.forEach(tell), REMINDER_MS);
  reminder.unref();

  const watch = watchCluster(kubeConfig, {
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
        log("info", "the cluster has been read", { domains: domains.size, ...countPods(domains.values()) });
      } else schedule();
    },
  });
  return {
    view: () => view,
    ageSeconds: () => {
      const lost = watch.lost();
      return lost ? (Date.now() - lost.since) / 1000 : 0;
    },
    pods: () => countPods(domains.values()),
    withdraw: async () => registration?.withdraw(),
    registrations: () => registration?.ages() ?? [],
    stop: async () => {
      if (swap) clearImmediate(swap);
      clearInterval(reminder);
      events.stop();
      statuses.stop();
      registration?.stop();
      await watch.stop();
    },
  };
}

const isGivable = ({ state, ipv6, ipv4 }: Target): boolean => state === "ready" && (ipv6 !== undefined || ipv4 !== undefined);

function countPods(domains: Iterable<Domain>): { ready: number; notReady: number } {
  const ready = new Map<string, boolean>();
  for (const { targets } of domains) for (const target of targets) ready.set(target.key, isGivable(target));
  const count = [...ready.values()].filter(Boolean).length;
  return { ready: count, notReady: ready.size - count };
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
