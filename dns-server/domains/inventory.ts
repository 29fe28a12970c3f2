import { isDeepStrictEqual } from "node:util";
import type { Claim, ClaimSettings } from "../kubernetes/claim.ts";
import { Claimants, type Reread } from "../kubernetes/claimants.ts";
import type { FactsByKind, Kind } from "../kubernetes/facts.ts";
import { isOurIngress } from "../kubernetes/ingresses.ts";
import { isTo, keyIn, ObjectStore } from "../kubernetes/object-store.ts";
import { allowedBelow, allowsBelow } from "../kubernetes/settings.ts";
import type { IngressStatus } from "../kubernetes/status.ts";
import type { Domain, Fault } from "../model/domain.ts";
import { showName } from "../model/names.ts";
import { parentName, type Name } from "../wire/name.ts";
import { excluded, FaultCounts, overruled, takenAbove, takenBy } from "./faults.ts";
import { joinClaims, settle } from "./joining.ts";
import { Origins, type Origin, type Owner } from "./origins.ts";
import { decideOwner, oldestOf } from "./ownership.ts";

/** What has changed since the last time. */
export interface Changes {
  /** Domains that are new or different, by name; undefined for one that is gone. */
  readonly domains: ReadonlyMap<Name, Domain | undefined>;
  /** Faults that there were not before. */
  readonly faults: readonly Fault[];
  /** Ingresses of ours whose hosts may have changed, as `NAMESPACE/NAME`. */
  readonly ingresses: readonly string[];
}

/**
 * The objects of a cluster, and the domains that they ask for. Pure: no clock, no I/O. A changed object has read again what was read from
 * it, and has made again the domains that this touches, nothing else.
 */
export class Inventory {
  private readonly settings: ClaimSettings;
  private readonly store = new ObjectStore();
  private readonly claimants: Claimants;
  private readonly origins: Origins;
  private readonly faultCounts = new FaultCounts();
  private readonly dirtyOrigins = new Set<Name>();
  /** Namespaces that let others have names below theirs than before. */
  private readonly dirtyNamespaces = new Set<string>();
  private round = 0;
  /** Whose origins were, before this server started. */
  private earlier: ReadonlyMap<Name, Owner>;

  /** @param earlier whose origins were when that was last known: they stay theirs while they ask for them */
  constructor(settings: ClaimSettings, earlier: ReadonlyMap<Name, Owner> = new Map()) {
    this.settings = settings;
    this.earlier = earlier;
    this.claimants = new Claimants(this.store, settings);
    this.origins = new Origins(settings.zone);
  }

  /** Whose each origin is. */
  owners(): Map<Name, Owner> {
    return new Map([...this.origins].flatMap(({ name, owner }): [Name, Owner][] => (owner ? [[name, owner]] : [])));
  }

  get<K extends Kind>(kind: K, namespace: string, name: string): FactsByKind[K] | undefined {
    return this.store.get(kind, namespace, name);
  }

  /**
   * Takes the facts of an object; undefined when it is gone.
   * @returns whether anything may come of it
   */
  set<K extends Kind>(kind: K, key: string, facts: FactsByKind[K] | undefined): boolean {
    const old = this.store.at(kind, key);
    const touched = this.store.set(kind, key, facts);
    if (touched.length === 0) return false;
    this.claimants.changed(kind, key, touched);
    if (kind === "Namespace" && allowedBelow(old?.settings) !== allowedBelow(facts?.settings)) this.dirtyNamespaces.add(key.slice(1));
    return this.claimants.isDirty || this.dirtyNamespaces.size > 0;
  }

  /** Brings the domains up to date with what was set since the last time. */
  flush(): Changes {
    const ingresses = new Set<string>();
    for (const reread of this.claimants.read()) {
      this.takeClaims(reread);
      if (reread.kind === "Ingress") ingresses.add(reread.key);
    }
    // an origin that comes or goes changes what an alias of that name in the zone above is worth
    for (const name of [...this.dirtyOrigins]) this.dirtyOrigins.add(parentName(name));
    this.spreadAllowances();
    this.round++;
    const domains = new Map<Name, Domain | undefined>();
    while (this.dirtyOrigins.size > 0) {
      // who has a name has a say in those below it: what they come to is made after it
      const sorted = [...this.dirtyOrigins].sort((a, b) => a.length - b.length);
      this.dirtyOrigins.clear();
      for (const name of sorted) {
        const origin = this.origins.get(name);
        if (!origin) continue;
        this.makeDomains(origin, domains);
        for (const reference of origin.claims.keys()) if (isTo("Ingress", reference)) ingresses.add(keyIn(reference));
      }
    }
    // from now on it is known
    this.earlier = new Map();
    return { domains, faults: this.faultCounts.takeNews(), ingresses: [...ingresses] };
  }

  /** The hosts that an Ingress (`NAMESPACE/NAME`) has been given, and what its status says; undefined where it is not ours. */
  ingressStatus(key: string): IngressStatus | undefined {
    const facts = this.store.at("Ingress", key);
    if (!facts || !isOurIngress(facts, this.store, this.settings)) return undefined;
    // a wildcard is no name that anybody could connect to
    const hosts = this.claimants
      .claimsOf("Ingress", key)
      .filter((claim) => claim.name === claim.origin && this.origins.get(claim.origin)?.held.has(claim))
      .map((claim) => showName(claim.name));
    return { hosts, published: facts.published };
  }

  /** What is wrong now, by identity. */
  get faults(): ReadonlyMap<string, Fault> {
    return this.faultCounts.current;
  }

  /** Puts what an object claims now in place of what it claimed before. */
  private takeClaims({ reference, before, after }: Reread): void {
    this.faultCounts.replace(before.faults, after.faults);
    if (isDeepStrictEqual(before.claims, after.claims)) return;
    for (const { origin } of before.claims) {
      this.origins.get(origin)?.claims.delete(reference);
      this.dirtyOrigins.add(origin);
    }
    for (const claim of after.claims) {
      const origin = this.origins.get(claim.origin) ?? this.origins.add(claim.origin, this.earlier.get(claim.origin));
      origin.claims.set(reference, [...(origin.claims.get(reference) ?? []), claim]);
      this.dirtyOrigins.add(claim.origin);
    }
  }

  /** A namespace that allows others names below its own, or does not any more, has a say in all that is below. */
  private spreadAllowances(): void {
    for (const { name, owner } of this.dirtyNamespaces.size > 0 ? this.origins : []) {
      if (!owner || !this.dirtyNamespaces.has(owner.namespace)) continue;
      this.dirtyOrigins.add(name);
      this.touchBelow(name);
    }
    this.dirtyNamespaces.clear();
  }

  private touchBelow(name: Name): void {
    for (const lower of this.origins.below(name)) this.dirtyOrigins.add(lower);
  }

  private allowsBelow(owner: string, other: string): boolean {
    return owner === other || allowsBelow(this.get("Namespace", "", owner)?.settings, other);
  }

  private makeDomains(origin: Origin, changes: Map<Name, Domain | undefined>): void {
    const { name } = origin;
    const claims = [...origin.claims.values()].flat();
    this.decideOwner(origin, claims);
    const faults: Fault[] = [];
    const domains = new Map<Name, Domain>();
    const heldHere = new Set<Claim>();
    for (const [domainName, list] of this.claimsByName(origin, this.ownedClaims(origin, claims, faults), faults)) {
      const { held, others } = settle(list);
      for (const claim of held) {
        heldHere.add(claim);
        faults.push(...claim.faults);
      }
      faults.push(...others.map((claim) => excluded(claim, held)));
      const domain = joinClaims(held);
      domains.set(domainName, domain);
      if (!isDeepStrictEqual(domain, origin.domains.get(domainName))) changes.set(domainName, domain);
    }
    this.faultCounts.replace(origin.faults, faults);
    // one that has moved to another origin is there already
    for (const old of origin.domains.keys()) if (!domains.has(old) && !changes.get(old)) changes.set(old, undefined);
    origin.faults = faults;
    origin.held = heldHere;
    origin.domains = domains;
    if (claims.length === 0) this.origins.remove(name);
  }

  private decideOwner(origin: Origin, claims: readonly Claim[]): void {
    const before = origin.owner?.namespace;
    const rules = { allowsBelow: (owner: string, other: string) => this.allowsBelow(owner, other), round: this.round };
    origin.owner = decideOwner(origin, this.origins.above(origin.name), claims, rules);
    if (origin.owner?.namespace === before) return;
    origin.ownedIn = this.round;
    this.touchBelow(origin.name);
    // an alias of that name gives way to whoever has it
    this.dirtyOrigins.add(parentName(origin.name));
  }

  /** The claims of those who may have what they ask for; what the others are told goes to `faults`. */
  private ownedClaims(origin: Origin, claims: readonly Claim[], faults: Fault[]): Claim[] {
    const { name, owner } = origin;
    const isOwned = (claim: Claim): boolean =>
      owner !== undefined &&
      (claim.namespace === owner.namespace || (claim.name !== name && this.allowsBelow(owner.namespace, claim.namespace)));
    const owned = claims.filter(isOwned);
    if (owned.length === claims.length) return owned;
    const above = owner ? undefined : this.origins.above(name)!;
    const holder = owner && oldestOf(origin, owner.namespace);
    const refuse = (claim: Claim): Fault => (above ? takenAbove(claim, above.name, above.owner.namespace) : takenBy(claim, holder!));
    faults.push(...claims.filter((claim) => !isOwned(claim)).map(refuse));
    return owned;
  }

  /** Claims by name, without aliases of names that are domains of their own. */
  private claimsByName(origin: Origin, owned: readonly Claim[], faults: Fault[]): Map<Name, Claim[]> {
    const isOverruled = ({ alias, name }: Claim): boolean =>
      alias !== undefined && name !== origin.name && this.origins.get(name)?.owner !== undefined;
    faults.push(...owned.filter(isOverruled).map(overruled));
    return Map.groupBy(
      owned.filter((claim) => !isOverruled(claim)),
      ({ name }) => name,
    );
  }
}
