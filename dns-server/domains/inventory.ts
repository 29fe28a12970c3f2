import { isDeepStrictEqual } from "node:util";
import { isSubdomain, parentName, type Name } from "../wire/name.ts";
import { NO_CLAIMS, type Claim, type ClaimSettings, type Objects, type ObjectClaims } from "../kubernetes/claim.ts";
import { faultId } from "../kubernetes/fault.ts";
import type { FactsByKind, Kind, Settings, SliceFacts } from "../kubernetes/facts.ts";
import { isOurIngress, readIngress } from "../kubernetes/ingresses.ts";
import type { Domain, Fault, Target } from "../model/domain.ts";
import { readPod, readWorkload } from "../kubernetes/pods.ts";
import { readService } from "../kubernetes/services.ts";
import { allowsBelow } from "../kubernetes/settings.ts";
import type { IngressStatus } from "../kubernetes/status.ts";
import { showName } from "../model/names.ts";

/** What has changed since the last time. */
export interface Changes {
  /** Domains that are new or different, by name; undefined for one that is gone. */
  readonly domains: ReadonlyMap<Name, Domain | undefined>;
  /** Faults that there were not before. */
  readonly faults: readonly Fault[];
  /** Ingresses of ours whose hosts may have changed, as `NAMESPACE/NAME`. */
  readonly ingresses: readonly string[];
}

/** Whose an origin is. */
export interface Owner {
  readonly namespace: string;
  /** Whether it has it by the word of who has the name above. */
  readonly byWord: boolean;
}

/** An object that asks for names. */
interface Claimant {
  readonly kind: Kind;
  readonly key: string;
  reading: ObjectClaims;
  /** What it was read from, itself included. */
  dependencies: ReadonlySet<string>;
}

interface Origin {
  /** Claims by the source that makes them. */
  readonly claims: Map<string, Claim[]>;
  /** Namespace that the origin and all in it belongs to; undefined where nobody who asks for it may have it. */
  owner: string | undefined;
  /** In which round of making domains it became the owner's. */
  ownedIn: number;
  /** Whether the owner has it by the word of who has the name above. */
  byWord: boolean;
  /** The claims that hold. */
  held: ReadonlySet<Claim>;
  domains: Map<Name, Domain>;
  faults: Fault[];
}

const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`;
const reference = (kind: Kind, key: string): string => `${kind}/${key}`;
/** All slices of a Service. */
const sliceReference = (namespace: string, service: string): string => `slices/${namespace}/${service}`;

const READERS: {
  readonly [K in Kind]?: (facts: FactsByKind[K], objects: Objects, settings: ClaimSettings) => ObjectClaims;
} = {
  Pod: readPod,
  Deployment: (facts, objects, settings) => readWorkload("Deployment", facts, objects, settings),
  StatefulSet: (facts, objects, settings) => readWorkload("StatefulSet", facts, objects, settings),
  DaemonSet: (facts, objects, settings) => readWorkload("DaemonSet", facts, objects, settings),
  ReplicaSet: (facts, objects, settings) => readWorkload("ReplicaSet", facts, objects, settings),
  Service: readService,
  Ingress: readIngress,
};

/**
 * The objects of a cluster, and the domains that they ask for. Pure: no clock, no I/O. A changed object has read again what was read from
 * it (each reading notes what it looked at), and has made again the domains that this touches, nothing else.
 */
export class Inventory {
  private readonly settings: ClaimSettings;
  private readonly objects = new Map<string, FactsByKind[Kind]>();
  private readonly slicesByService = new Map<string, Set<string>>();
  private readonly sources = new Map<string, Claimant>();
  /** Sources by what they were read from. */
  private readonly dependents = new Map<string, Set<string>>();
  private readonly origins = new Map<Name, Origin>();
  /** Origins below each name that is above some. */
  private readonly below = new Map<Name, Set<Name>>();
  private round = 0;
  private readonly faultCounts = new Map<string, number>();
  private readonly currentFaults = new Map<string, Fault>();
  private newFaults = new Map<string, Fault>();
  private readonly dirtySources = new Set<string>();
  private readonly dirtyOrigins = new Set<Name>();
  /** Namespaces that let others have names below theirs than before. */
  private readonly dirtyNamespaces = new Set<string>();

  /** Whose origins were, before this server started. */
  private earlier: ReadonlyMap<Name, Owner>;

  /** @param earlier whose origins were when that was last known: they stay theirs while they ask for them */
  constructor(settings: ClaimSettings, earlier: ReadonlyMap<Name, Owner> = new Map()) {
    this.settings = settings;
    this.earlier = earlier;
  }

  /** Whose each origin is. */
  owners(): Map<Name, Owner> {
    const owners = new Map<Name, Owner>();
    for (const [name, { owner: namespace, byWord }] of this.origins) if (namespace !== undefined) owners.set(name, { namespace, byWord });
    return owners;
  }

  get<K extends Kind>(kind: K, namespace: string, name: string): FactsByKind[K] | undefined {
    return this.object(kind, objectKey(namespace, name));
  }

  /**
   * Takes the facts of an object; undefined when it is gone.
   * @returns whether anything may come of it
   */
  set<K extends Kind>(kind: K, key: string, facts: FactsByKind[K] | undefined): boolean {
    const ref = reference(kind, key);
    const old = this.object(kind, key);
    if (old === facts || (old && facts && isDeepStrictEqual(old, facts))) return false;
    if (facts) this.objects.set(ref, facts);
    else this.objects.delete(ref);
    if (kind in READERS) {
      if (facts && !this.sources.has(ref)) this.sources.set(ref, { kind, key, reading: NO_CLAIMS, dependencies: new Set() });
      this.dirtySources.add(ref);
    }
    this.touch(ref);
    if (kind === "Namespace" && !isDeepStrictEqual(allowance(old), allowance(facts))) this.dirtyNamespaces.add(key.slice(1));
    for (const slice of [old, facts]) if (slice && "endpoints" in slice) this.indexSlice(slice, ref, slice === facts);
    return this.dirtySources.size + this.dirtyNamespaces.size > 0;
  }

  /** Brings the domains up to date with what was set since the last time. */
  flush(): Changes {
    const ingresses = new Set<string>();
    for (const ref of this.dirtySources) {
      this.readSource(ref);
      if (ref.startsWith("Ingress/")) ingresses.add(ref.slice("Ingress/".length));
    }
    this.dirtySources.clear();
    const domains = new Map<Name, Domain | undefined>();
    // an origin that comes or goes changes what an alias of that name in the zone above is worth
    for (const name of [...this.dirtyOrigins]) this.dirtyOrigins.add(parentName(name));
    for (const [name, { owner }] of this.dirtyNamespaces.size > 0 ? this.origins : []) {
      if (!this.dirtyNamespaces.has(owner ?? "")) continue;
      this.dirtyOrigins.add(name);
      this.touchBelow(name);
    }
    this.dirtyNamespaces.clear();
    this.round++;
    while (this.dirtyOrigins.size > 0) {
      // who has a name has a say in those below it: what they come to is made after it
      const sorted = [...this.dirtyOrigins].sort((a, b) => a.length - b.length);
      this.dirtyOrigins.clear();
      for (const name of sorted) {
        const origin = this.origins.get(name);
        if (!origin) continue;
        const { owner } = origin;
        this.makeDomains(name, origin, domains);
        if (origin.owner !== owner) {
          this.touchBelow(name);
          this.dirtyOrigins.add(parentName(name));
        }
        for (const ref of origin.claims.keys()) if (ref.startsWith("Ingress/")) ingresses.add(ref.slice("Ingress/".length));
      }
    }
    // from now on it is known
    this.earlier = new Map();
    const faults = [...this.newFaults.values()];
    this.newFaults = new Map();
    return { domains, faults, ingresses: [...ingresses] };
  }

  /** The hosts that an Ingress (`NAMESPACE/NAME`) has been given, and what its status says; undefined where it is not ours. */
  ingressStatus(key: string): IngressStatus | undefined {
    const facts = this.object("Ingress", key);
    if (!facts || !isOurIngress(facts, this, this.settings)) return undefined;
    const claims = this.sources.get(reference("Ingress", key))?.reading.claims ?? [];
    // a wildcard is no name that anybody could connect to
    const hosts = claims
      .filter((claim) => claim.name === claim.origin && this.origins.get(claim.origin)?.held.has(claim))
      .map((claim) => showName(claim.name));
    return { hosts, published: facts.published };
  }

  /** What is wrong now, by identity. */
  get faults(): ReadonlyMap<string, Fault> {
    return this.currentFaults;
  }

  slices(namespace: string, service: string): readonly SliceFacts[] {
    const keys = this.slicesByService.get(sliceReference(namespace, service)) ?? [];
    // in the same order for all who ask: slices may disagree for a moment
    return [...keys].sort().map((ref) => this.objects.get(ref) as SliceFacts);
  }

  private object<K extends Kind>(kind: K, key: string): FactsByKind[K] | undefined {
    return this.objects.get(reference(kind, key)) as FactsByKind[K] | undefined;
  }

  private touch(ref: string): void {
    for (const source of this.dependents.get(ref) ?? []) this.dirtySources.add(source);
  }

  private indexSlice(slice: SliceFacts, ref: string, isPresent: boolean): void {
    const at = sliceReference(slice.namespace, slice.service);
    const known = this.slicesByService.get(at) ?? new Set();
    if (isPresent) this.slicesByService.set(at, known.add(ref));
    else if (known.delete(ref) && known.size === 0) this.slicesByService.delete(at);
    this.touch(at);
  }

  private readSource(ref: string): void {
    const source = this.sources.get(ref);
    if (!source) return;
    const facts = this.object(source.kind, source.key);
    const dependencies = new Set<string>();
    const objects: Objects = {
      get: (kind, namespace, name) => {
        dependencies.add(reference(kind, objectKey(namespace, name)));
        return this.get(kind, namespace, name);
      },
      slices: (namespace, service) => {
        dependencies.add(sliceReference(namespace, service));
        return this.slices(namespace, service);
      },
    };
    const reader = READERS[source.kind] as ((facts: FactsByKind[Kind], objects: Objects, settings: ClaimSettings) => ObjectClaims) | undefined;
    const reading = this.withoutReserved(facts && reader ? reader(facts, objects, this.settings) : NO_CLAIMS);
    this.depend(ref, source.dependencies, dependencies);
    source.dependencies = dependencies;
    if (!facts) this.sources.delete(ref);
    const old = source.reading;
    source.reading = reading;
    this.countFaults(old.faults, reading.faults);
    if (isDeepStrictEqual(old.claims, reading.claims)) return;
    for (const { origin } of old.claims) {
      this.origins.get(origin)?.claims.delete(ref);
      this.dirtyOrigins.add(origin);
    }
    for (const claim of reading.claims) {
      const origin = this.origins.get(claim.origin) ?? this.addOrigin(claim.origin);
      origin.claims.set(ref, [...(origin.claims.get(ref) ?? []), claim]);
      this.dirtyOrigins.add(claim.origin);
    }
  }

  private withoutReserved(reading: ObjectClaims): ObjectClaims {
    const reserved = reading.claims.filter(({ name }) => this.whoseElse(name) !== undefined);
    if (reserved.length === 0) return reading;
    const claims = reading.claims.filter((claim) => !reserved.includes(claim));
    return { claims, faults: [...reading.faults, ...reserved.map((claim) => reservation(claim, this.whoseElse(claim.name)!))] };
  }

  /** What a name is that no object may have. */
  private whoseElse(name: Name): string | undefined {
    if (this.settings.nameServers.has(name)) return "the name of a name server of this cluster";
    return this.settings.reserved?.has(name) ? "led elsewhere by the server's configuration (vanity)" : undefined;
  }

  private addOrigin(name: Name): Origin {
    const earlier = this.earlier.get(name);
    const origin: Origin = {
      claims: new Map(),
      owner: earlier?.namespace,
      ownedIn: 0,
      byWord: earlier?.byWord ?? false,
      held: new Set(),
      domains: new Map(),
      faults: [],
    };
    this.origins.set(name, origin);
    for (const above of this.namesAbove(name)) this.below.set(above, (this.below.get(above) ?? new Set()).add(name));
    return origin;
  }

  private removeOrigin(name: Name): void {
    this.origins.delete(name);
    for (const above of this.namesAbove(name)) {
      const known = this.below.get(above);
      if (known?.delete(name) && known.size === 0) this.below.delete(above);
    }
  }

  /** The names between a name and the zone of the cluster, the longest first. */
  private *namesAbove(name: Name): Generator<Name> {
    const { zone } = this.settings;
    for (let at = parentName(name); at !== zone && isSubdomain(at, zone); at = parentName(at)) yield at;
  }

  private touchBelow(name: Name): void {
    for (const lower of this.below.get(name) ?? []) this.dirtyOrigins.add(lower);
  }

  /** The closest origin above a name that somebody has. */
  private above(name: Name): { name: Name; origin: Origin; owner: string } | undefined {
    for (const at of this.namesAbove(name)) {
      const origin = this.origins.get(at);
      if (origin?.owner !== undefined) return { name: at, origin, owner: origin.owner };
    }
    return undefined;
  }

  private allowsBelow(owner: string, other: string): boolean {
    return owner === other || allowsBelow(this.get("Namespace", "", owner)?.settings, other);
  }

  private depend(ref: string, old: ReadonlySet<string>, fresh: ReadonlySet<string>): void {
    for (const dependency of old) {
      if (fresh.has(dependency)) continue;
      const known = this.dependents.get(dependency);
      if (known?.delete(ref) && known.size === 0) this.dependents.delete(dependency);
    }
    for (const dependency of fresh) {
      if (old.has(dependency)) continue;
      const known = this.dependents.get(dependency);
      if (known) known.add(ref);
      else this.dependents.set(dependency, new Set([ref]));
    }
  }

  private makeDomains(name: Name, origin: Origin, changes: Map<Name, Domain | undefined>): void {
    const all = [...origin.claims.values()].flat();
    this.decideOwner(name, origin, all);
    const { owner } = origin;
    const owned: Claim[] = [];
    const faults: Fault[] = [];
    const refused: Claim[] = [];
    for (const claim of all) {
      const isOwned = owner !== undefined && (claim.namespace === owner || (claim.name !== name && this.allowsBelow(owner, claim.namespace)));
      (isOwned ? owned : refused).push(claim);
    }
    if (refused.length > 0) {
      const above = owner === undefined ? this.above(name)! : undefined;
      const holder = owner === undefined ? undefined : oldestOf(origin, owner);
      for (const claim of refused) {
        if (above) faults.push(disallowance(claim, above.name, above.owner));
        else faults.push(takenBy(claim, holder!));
      }
    }
    const byName = new Map<Name, Claim[]>();
    for (const claim of owned) {
      if (claim.alias !== undefined && claim.name !== name && this.origins.get(claim.name)?.owner !== undefined)
        faults.push(overruled(claim));
      else {
        const known = byName.get(claim.name);
        if (known) known.push(claim);
        else byName.set(claim.name, [claim]);
      }
    }
    const domains = new Map<Name, Domain>();
    const heldHere = new Set<Claim>();
    for (const [domainName, claims] of byName) {
      const { held, others } = settle(claims);
      for (const claim of held) {
        heldHere.add(claim);
        faults.push(...claim.faults);
      }
      faults.push(...others.map((claim) => exclusion(claim, held)));
      const domain = joinClaims(held);
      domains.set(domainName, domain);
      if (!isDeepStrictEqual(domain, origin.domains.get(domainName))) changes.set(domainName, domain);
    }
    this.countFaults(origin.faults, faults);
    origin.faults = faults;
    origin.held = heldHere;
    // one that has moved to another origin is there already
    for (const old of origin.domains.keys()) if (!domains.has(old) && !changes.get(old)) changes.set(old, undefined);
    origin.domains = domains;
    if (all.length === 0) this.removeOrigin(name);
  }

  /**
   * Decides whose an origin is. Who had it goes on as long as it asks; then it is the one of the oldest claim, so that all servers decide
   * the same. Below another namespace's name it takes that one's word, unless it was there first.
   */
  private decideOwner(name: Name, origin: Origin, claims: readonly Claim[]): void {
    const before = origin.owner;
    const above = this.above(name);
    const mayHave = ({ namespace, since }: Claim): boolean => {
      if (!above || this.allowsBelow(above.owner, namespace)) return true;
      // both are new, to a server that starts perhaps: it cannot know who was first
      return above.origin.ownedIn === this.round && since < oldestOf(above.origin, above.owner).since;
    };
    const isKept = before !== undefined && (!origin.byWord || !above || this.allowsBelow(above.owner, before));
    let oldest: Claim | undefined;
    let owner: string | undefined;
    for (const claim of claims) {
      if (isKept && claim.namespace === before) owner = before;
      else if (mayHave(claim) && (!oldest || comesFirst(claim, oldest))) oldest = claim;
    }
    origin.owner = owner ?? oldest?.namespace;
    if (origin.owner !== before) origin.ownedIn = this.round;
    // who has it by its own right keeps it, whatever is said above it later
    if (origin.owner !== before || origin.byWord)
      origin.byWord = above !== undefined && origin.owner !== undefined && above.owner !== origin.owner && this.allowsBelow(above.owner, origin.owner);
  }

  /** Faults that several objects have in common are told once. */
  private countFaults(old: readonly Fault[], fresh: readonly Fault[]): void {
    for (const fault of fresh) {
      const id = faultId(fault);
      const count = this.faultCounts.get(id) ?? 0;
      this.faultCounts.set(id, count + 1);
      if (count > 0) continue;
      this.currentFaults.set(id, fault);
      this.newFaults.set(id, fault);
    }
    for (const fault of old) {
      const id = faultId(fault);
      const count = this.faultCounts.get(id)! - 1;
      if (count > 0) this.faultCounts.set(id, count);
      else for (const known of [this.faultCounts, this.currentFaults, this.newFaults]) known.delete(id);
    }
  }
}

const allowance = (facts: object | undefined): unknown =>
  facts && "settings" in facts ? (facts.settings as Settings)["dns.peak/allow-below"]?.text : undefined;

/** Of two namespaces the one with the older claim. */
const comesFirst = (a: Claim, b: Claim): boolean => a.since < b.since || (a.since === b.since && a.namespace < b.namespace);

/** The oldest of a namespace's claims in an origin. */
function oldestOf({ claims }: Origin, namespace: string): Claim {
  let oldest: Claim | undefined;
  for (const list of claims.values())
    for (const claim of list) if (claim.namespace === namespace && (!oldest || isOlder(claim, oldest))) oldest = claim;
  return oldest!;
}

/**
 * What of the claims of one name can hold together: targets of pods and Services, all that make the same alias, one Ingress. Where they
 * exclude each other the oldest of those holds that ask for all of the name.
 */
function settle(claims: readonly Claim[]): { held: readonly Claim[]; others: readonly Claim[] } {
  const first = claims.reduce((best, claim) => (precedes(claim, best) ? claim : best));
  const company = companyOf(first);
  if (claims.every((claim) => companyOf(claim) === company)) return { held: claims, others: [] };
  const held: Claim[] = [];
  const others: Claim[] = [];
  for (const claim of claims) (companyOf(claim) === company ? held : others).push(claim);
  return { held, others };
}

const precedes = (a: Claim, b: Claim): boolean => (a.isPartial === b.isPartial ? isOlder(a, b) : b.isPartial);

function companyOf({ namespace, owner, alias }: Claim): string {
  if (owner.kind === "Ingress") return `${namespace}/Ingress/${owner.name}`;
  return alias === undefined ? namespace : `${namespace} ${alias}`;
}

const takenBy = (claim: Claim, holder: Claim): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message:
    `${showName(claim.origin)} belongs to the namespace ${holder.namespace} (${holder.owner.kind} ${holder.owner.name}), which asked ` +
    `first; choose another name, or ${claim.name === claim.origin ? "remove it there" : permission(claim, holder.namespace)}`,
});

const reservation = (claim: Claim, what: string): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message: `${showName(claim.name)} is ${what}; choose another name`,
});

const disallowance = (claim: Claim, above: Name, holder: string): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message:
    `${showName(claim.name)} is below ${showName(above)}, which belongs to the namespace ${holder}; choose another name, or ` +
    permission(claim, holder),
});

const permission = (claim: Claim, owner: string): string => `have the Namespace ${owner} annotated with dns.peak/allow-below: ${claim.namespace}`;

function exclusion(claim: Claim, held: readonly Claim[]): Fault {
  const holder = held.reduce((best, other) => (precedes(other, best) ? other : best));
  const { kind, name, namespace } = holder.owner;
  const why = holder.isPartial === claim.isPartial ? "is older" : "asks for all of it";
  const areIngresses = kind === "Ingress" && claim.owner.kind === "Ingress";
  const isAlias = holder.alias !== undefined || claim.alias !== undefined;
  const rule = areIngresses
    ? "DNS knows no paths, so that a host has one backend: give each path a host of its own, and use DNS-01 for certificates"
    : isAlias
      ? "beside an alias nothing else can be (RFC 1034 section 3.6.2): choose another name"
      : namespace === claim.namespace
        ? "an Ingress has its host for itself: choose another name"
        : "a name belongs to one namespace: choose another name";
  return {
    object: claim.owner,
    reason: "DomainTaken",
    message: `${showName(claim.name)} is what ${kind} ${namespace}/${name} makes it, which ${why}; ${rule}`,
  };
}

const overruled = (claim: Claim): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message: `${showName(claim.name)} cannot lead to another name: pods or Services have the same name as their domain; choose another name`,
});

/** Some order of claims, the same whenever and by whomever they are compared. */
function isBefore(a: Claim, b: Claim): boolean {
  const rank = ({ owner, targets: [target] }: Claim): string => [owner.kind, owner.namespace, owner.name, owner.uid, target?.key].join("/");
  return rank(a) < rank(b);
}

const isOlder = (a: Claim, b: Claim): boolean => a.since < b.since || (a.since === b.since && isBefore(a, b));

/** One domain of all claims of a name: all their targets, the settings of the youngest. */
function joinClaims(claims: readonly Claim[]): Domain {
  let speaker = claims[0]!;
  let oldest = claims[0]!;
  const targets = new Map<string, Target>();
  const givenBy = new Map<string, Claim>();
  for (const claim of claims) {
    if (claim.saidAt > speaker.saidAt || (claim.saidAt === speaker.saidAt && isBefore(claim, speaker))) speaker = claim;
    // pods of one workload are as old as it
    if (claim.owner.uid !== oldest.owner.uid && isOlder(claim, oldest)) oldest = claim;
    for (const target of claim.targets) {
      const other = givenBy.get(target.key);
      if (other && !isBefore(claim, other)) continue;
      givenBy.set(target.key, claim);
      targets.set(target.key, target);
    }
  }
  return {
    name: speaker.name,
    origin: speaker.origin,
    namespace: speaker.namespace,
    owner: oldest.owner,
    targets: [...targets.values()],
    alias: speaker.alias,
    ...speaker.settings,
  };
}
