import { isDeepStrictEqual } from "node:util";
import { parentName, type Name } from "../wire/name.ts";
import { NOTHING, type Claim, type ClaimSettings, type Lookup, type Reading } from "./claim.ts";
import { faultId } from "./fault.ts";
import type { FactsByKind, Kind, SliceFacts } from "./facts.ts";
import { isOurIngress, readIngress } from "./ingresses.ts";
import type { Domain, Fault, Target } from "./model.ts";
import { showName } from "./names.ts";
import { readPod, readWorkload } from "./pods.ts";
import { readService } from "./services.ts";
import type { IngressStatus } from "./status.ts";

/** What has changed since the last time. */
export interface Changes {
  /** Domains that are new or different, by name; undefined for one that is gone. */
  readonly domains: ReadonlyMap<Name, Domain | undefined>;
  /** Faults that there were not before. */
  readonly faults: readonly Fault[];
  /** Ingresses of ours whose hosts may have changed, as `NAMESPACE/NAME`. */
  readonly ingresses: readonly string[];
}

/** An object that asks for names. */
interface Source {
  readonly kind: Kind;
  readonly key: string;
  reading: Reading;
  /** What it was read from, itself included. */
  dependencies: ReadonlySet<string>;
}

interface Origin {
  /** Claims by the source that makes them. */
  readonly claims: Map<string, Claim[]>;
  /** Namespace that the origin and all in it belongs to. */
  owner: string | undefined;
  domains: Map<Name, Domain>;
  faults: Fault[];
}

const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`;
const reference = (kind: Kind, key: string): string => `${kind}/${key}`;
/** All slices of a Service. */
const sliceReference = (namespace: string, service: string): string => `slices/${namespace}/${service}`;

const READERS: {
  readonly [K in Kind]?: (facts: FactsByKind[K], look: Lookup, settings: ClaimSettings) => Reading;
} = {
  Pod: readPod,
  Deployment: (facts, look, settings) => readWorkload("Deployment", facts, look, settings),
  StatefulSet: (facts, look, settings) => readWorkload("StatefulSet", facts, look, settings),
  DaemonSet: (facts, look, settings) => readWorkload("DaemonSet", facts, look, settings),
  ReplicaSet: (facts, look, settings) => readWorkload("ReplicaSet", facts, look, settings),
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
  private readonly sources = new Map<string, Source>();
  /** Sources by what they were read from. */
  private readonly dependents = new Map<string, Set<string>>();
  private readonly origins = new Map<Name, Origin>();
  private readonly faultCounts = new Map<string, number>();
  private readonly currentFaults = new Map<string, Fault>();
  private newFaults = new Map<string, Fault>();
  private readonly dirtySources = new Set<string>();
  private readonly dirtyOrigins = new Set<Name>();

  constructor(settings: ClaimSettings) {
    this.settings = settings;
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
      if (facts && !this.sources.has(ref)) this.sources.set(ref, { kind, key, reading: NOTHING, dependencies: new Set() });
      this.dirtySources.add(ref);
    }
    this.touch(ref);
    for (const slice of [old, facts]) if (slice && "endpoints" in slice) this.indexSlice(slice, ref, slice === facts);
    return this.dirtySources.size > 0;
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
    for (const name of this.dirtyOrigins) {
      const origin = this.origins.get(name);
      if (!origin) continue;
      this.makeDomains(name, origin, domains);
      for (const ref of origin.claims.keys()) if (ref.startsWith("Ingress/")) ingresses.add(ref.slice("Ingress/".length));
    }
    this.dirtyOrigins.clear();
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
      .filter((claim) => claim.name === claim.origin && this.origins.get(claim.origin)?.owner === facts.namespace)
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
    const look: Lookup = {
      get: (kind, namespace, name) => {
        dependencies.add(reference(kind, objectKey(namespace, name)));
        return this.get(kind, namespace, name);
      },
      slices: (namespace, service) => {
        dependencies.add(sliceReference(namespace, service));
        return this.slices(namespace, service);
      },
    };
    const reader = READERS[source.kind] as ((facts: FactsByKind[Kind], look: Lookup, settings: ClaimSettings) => Reading) | undefined;
    const reading = this.withoutReserved(facts && reader ? reader(facts, look, this.settings) : NOTHING);
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
      const origin = this.origins.get(claim.origin) ?? { claims: new Map(), owner: undefined, domains: new Map(), faults: [] };
      this.origins.set(claim.origin, origin);
      origin.claims.set(ref, [...(origin.claims.get(ref) ?? []), claim]);
      this.dirtyOrigins.add(claim.origin);
    }
  }

  private withoutReserved(reading: Reading): Reading {
    const { nameServers } = this.settings;
    const reserved = reading.claims.filter(({ name }) => nameServers.has(name));
    if (reserved.length === 0) return reading;
    const claims = reading.claims.filter((claim) => !reserved.includes(claim));
    return { claims, faults: [...reading.faults, ...reserved.map(reservation)] };
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
    origin.owner = ownerOf(all, origin.owner);
    const owned: Claim[] = [];
    const faults: Fault[] = [];
    const refused: Claim[] = [];
    for (const claim of all) (claim.namespace === origin.owner ? owned : refused).push(claim);
    if (refused.length > 0) {
      const holder = owned.reduce((first, claim) => (isOlder(claim, first) ? claim : first));
      faults.push(...refused.map((claim) => refusal(claim, holder)));
    }
    const byName = new Map<Name, Claim[]>();
    for (const claim of owned) {
      if (claim.alias !== undefined && claim.name !== name && (this.origins.get(claim.name)?.claims.size ?? 0) > 0)
        faults.push(overruled(claim));
      else {
        const known = byName.get(claim.name);
        if (known) known.push(claim);
        else byName.set(claim.name, [claim]);
      }
    }
    this.countFaults(origin.faults, faults);
    origin.faults = faults;
    const domains = new Map<Name, Domain>();
    for (const [domainName, claims] of byName) {
      const domain = joinClaims(claims);
      domains.set(domainName, domain);
      if (!isDeepStrictEqual(domain, origin.domains.get(domainName))) changes.set(domainName, domain);
    }
    // one that has moved to another origin is there already
    for (const old of origin.domains.keys()) if (!domains.has(old) && !changes.get(old)) changes.set(old, undefined);
    origin.domains = domains;
    if (all.length === 0) this.origins.delete(name);
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

/** The namespace that had it goes on as long as it asks; then it is the one of the oldest claim, so that all servers decide the same. */
function ownerOf(claims: readonly Claim[], before: string | undefined): string | undefined {
  let oldest: Claim | undefined;
  for (const claim of claims) {
    if (claim.namespace === before) return before;
    if (!oldest || claim.since < oldest.since || (claim.since === oldest.since && claim.namespace < oldest.namespace)) oldest = claim;
  }
  return oldest?.namespace;
}

const refusal = (claim: Claim, holder: Claim): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message:
    `${showName(claim.origin)} belongs to the namespace ${holder.namespace} (${holder.owner.kind} ${holder.owner.name}), which asked ` +
    `first; choose another name, or remove it there`,
});

const reservation = (claim: Claim): Fault => ({
  object: claim.owner,
  reason: "DomainTaken",
  message: `${showName(claim.name)} is the name of a name server of this cluster; choose another name`,
});

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
  const aliases = claims.flatMap(({ alias }) => alias ?? []).sort();
  return {
    name: speaker.name,
    origin: speaker.origin,
    namespace: speaker.namespace,
    owner: oldest.owner,
    targets: [...targets.values()],
    // addresses and an alias exclude each other
    alias: targets.size > 0 ? undefined : aliases[0],
    ...speaker.settings,
  };
}
