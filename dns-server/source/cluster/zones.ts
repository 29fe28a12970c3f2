import type { ClusterConfig } from "../../config/roles.ts";
import type { Published } from "../../publishing/domain-zone.ts";
import { Zones } from "../../publishing/zones.ts";
import { foldName, isSubdomain, parentName, parseName, type Name } from "../../wire/name.ts";
import type { NameServer } from "../../zone/name-server.ts";
import type { Zone } from "../../zone/zone.ts";

/** The fourth stage: the zones of what is published, with those that the configuration itself leads elsewhere (vanity). */
export class ClusterZones {
  private readonly zones: Zones;
  private readonly zone: Name;
  private readonly vanity: ReadonlySet<Name>;
  /** Where each domain is published: one that was an alias and now has targets, or the other way round, moves to another zone. */
  private readonly origins = new Map<Name, Name>();

  constructor(config: ClusterConfig) {
    const { zone, vanity, delegationTtl } = config;
    this.zone = zone;
    this.vanity = new Set(vanity.map(({ name }) => name));
    this.zones = new Zones(
      config,
      config.domains.map((domain) => foldName(parseName(domain, zone))),
    );
    for (const { name, target } of vanity)
      this.zones.set({ name, origin: parentName(name), alias: target, onlyTop: true, chosen: [], named: [], ttl: delegationTtl });
  }

  /** Zones that are not known to be complete as long as the cluster has not been read. */
  get unread(): Name[] {
    return [this.zone, ...Array.from(this.vanity, parentName)];
  }

  /** Publishes what an earlier process did, as far as the configuration still leaves room for it. */
  resume(published: readonly Published[]): void {
    for (const each of published) if (isSubdomain(each.name, this.zone) && !this.vanity.has(each.name)) this.set(each.name, each);
  }

  /** Takes away what is published of domains that are not there. */
  retain(isThere: (name: Name) => boolean): void {
    for (const name of [...this.origins.keys()]) if (!isThere(name)) this.set(name, undefined);
  }

  /** Publishes a domain in place of what there was of it; undefined: it is gone. */
  set(name: Name, published: Published | undefined): void {
    const before = this.origins.get(name);
    if (before !== undefined && before !== published?.origin) this.zones.remove(name, before);
    if (published) {
      this.zones.set(published);
      this.origins.set(name, published.origin);
    } else this.origins.delete(name);
  }

  /** The zones as they now are: the same as before when nothing in them is different. */
  build(): ReadonlyMap<Name, Zone> {
    // serials only have to grow; seconds do for a zone that nobody transfers
    return this.zones.build(Math.floor(Date.now() / 1000));
  }

  /** All that is published. */
  published(): Published[] {
    return this.zones.all();
  }

  /** The parent zone delegates a domain to these. */
  delegate(domain: Name, servers: readonly NameServer[]): void {
    this.zones.delegate(domain, servers);
  }

  /** Other clusters' servers, as told by `delegate`. */
  get delegations(): Zones["delegations"] {
    return this.zones.delegations;
  }

  /** Domains that the parent zone is to delegate here. */
  delegated(): Name[] {
    return this.zones.delegated(this.zone);
  }
}
