import { isDeepStrictEqual } from "node:util";
import type { Target } from "../model/domain.ts";
import { foldName, isSubdomain, parentName, ROOT, type Name } from "../wire/name.ts";
import type { NameServer } from "../zone/name-server.ts";
import type { Zone } from "../zone/zone.ts";
import { domainZone, type MadeZone, type Published, type ZoneSettings } from "./domain-zone.ts";

/** The zones of all domains. A change makes again the zones that it touches and no other. */
export class Zones {
  private readonly settings: ZoneSettings;
  /** Origins that are served also while nothing is published in them. */
  private readonly fixed: ReadonlySet<Name>;
  private readonly published = new Map<Name, Map<Name, Published>>();
  private readonly origins = new Set<Name>();
  /** For each origin that has some, the next ones below it. */
  private readonly below = new Map<Name, Set<Name>>();
  /** Name servers of other clusters, for each origin that the parent zone delegates to some. */
  private readonly others = new Map<Name, readonly NameServer[]>();
  private readonly dirty = new Set<Name>();
  private readonly made = new Map<Name, MadeZone>();
  private zones: ReadonlyMap<Name, Zone> = new Map();

  constructor(settings: ZoneSettings, fixed: readonly Name[]) {
    this.settings = settings;
    this.fixed = new Set(fixed);
    for (const origin of fixed) this.appear(origin);
  }

  /** Publishes a domain in place of what there was of that name. */
  set(published: Published): void {
    const { name, origin } = published;
    const domains = this.published.get(origin);
    const old = domains?.get(name);
    if (old && isSame(old, published)) return;
    if (domains) domains.set(name, published);
    else this.published.set(origin, new Map([[name, published]]));
    this.appear(origin);
    this.dirty.add(origin);
  }

  remove(name: Name, origin: Name): void {
    const domains = this.published.get(origin);
    if (!domains?.delete(name)) return;
    this.dirty.add(origin);
    if (domains.size > 0) return;
    this.published.delete(origin);
    if (!this.fixed.has(origin)) this.disappear(origin);
  }

  /**
   * The parent zone delegates an origin to these servers. A resolver believes the NS records of the zone itself rather than the parent's
   * (RFC 2181 section 5.4.1): they must name the other clusters too, or it knows of nobody to ask while this one is away.
   */
  delegate(origin: Name, servers: readonly NameServer[]): void {
    const others = new Map(servers.map(({ name, addresses }) => [foldName(name), { name, addresses: [...addresses].sort() }]));
    for (const { name } of this.settings.nameServers) others.delete(foldName(name));
    // its address would be given beside those of the pods
    others.delete(origin);
    const sorted = [...others].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, server]) => server);
    if (isDeepStrictEqual(sorted, this.others.get(origin) ?? [])) return;
    if (sorted.length > 0) this.others.set(origin, sorted);
    else this.others.delete(origin);
    for (const at of this.origins) if (isSubdomain(at, origin)) this.dirty.add(at);
  }

  /** Other clusters' servers, as told by `delegate`. */
  get delegations(): ReadonlyMap<Name, readonly NameServer[]> {
    return this.others;
  }

  /**
   * The zones as they now are, by origin.
   * @param serial SOA serial of the zones that changed since the last call
   */
  build(serial: number): ReadonlyMap<Name, Zone> {
    if (this.dirty.size === 0) return this.zones;
    const zones = new Map(this.zones);
    for (const origin of this.dirty) {
      if (!this.origins.has(origin)) {
        zones.delete(origin);
        this.made.delete(origin);
        continue;
      }
      const domains = [...(this.published.get(origin)?.values() ?? [])];
      const below = [...(this.below.get(origin) ?? [])];
      const settings = { ...this.settings, nameServers: [...this.settings.nameServers, ...this.othersFor(origin)] };
      const made = domainZone(origin, domains, below, settings, serial, this.made.get(origin));
      this.made.set(origin, made);
      zones.set(origin, made.zone);
    }
    this.dirty.clear();
    return (this.zones = zones);
  }

  /** All that is published. */
  all(): Published[] {
    return [...this.published.values()].flatMap((domains) => [...domains.values()]);
  }

  /** The origins below a zone that it has to delegate: those that no other one here is above of. */
  delegated(zone: Name): Name[] {
    return [...this.origins].filter((origin) => isSubdomain(origin, zone) && this.above(origin) === undefined);
  }

  /** Other clusters that serve an origin: those to whom it, or one above it, is delegated. */
  private othersFor(origin: Name): readonly NameServer[] {
    for (let at: Name | undefined = origin; at !== undefined; at = this.above(at)) {
      const others = this.others.get(at);
      if (others) return others;
    }
    return [];
  }

  private appear(origin: Name): void {
    if (this.origins.has(origin)) return;
    this.origins.add(origin);
    this.dirty.add(origin);
    const above = this.above(origin);
    const candidates = above === undefined ? this.origins : (this.below.get(above) ?? new Set<Name>());
    const lower = new Set(
      [...candidates].filter((other) => other !== origin && isSubdomain(other, origin) && this.above(other) === origin),
    );
    if (lower.size > 0) this.below.set(origin, lower);
    if (above === undefined) return;
    this.below.set(above, new Set([...candidates].filter((other) => !lower.has(other))).add(origin));
    this.dirty.add(above);
  }

  private disappear(origin: Name): void {
    this.origins.delete(origin);
    this.others.delete(origin);
    const lower = this.below.get(origin) ?? new Set<Name>();
    this.below.delete(origin);
    const above = this.above(origin);
    if (above === undefined) return;
    const siblings = this.below.get(above)!;
    siblings.delete(origin);
    for (const name of lower) siblings.add(name);
    this.dirty.add(above);
  }

  /** The closest origin above. */
  private above(origin: Name): Name | undefined {
    for (let at = origin; at !== ROOT;) {
      at = parentName(at);
      if (this.origins.has(at)) return at;
    }
    return undefined;
  }
}

/** Whether two leads to the same records, as far as that can be seen fast. */
function isSame(a: Published, b: Published): boolean {
  const same = (x: readonly Target[], y: readonly Target[]): boolean => x.length === y.length && x.every((target, i) => target === y[i]);
  return a.alias === b.alias && a.onlyTop === b.onlyTop && a.ttl === b.ttl && same(a.chosen, b.chosen) && same(a.named, b.named);
}
