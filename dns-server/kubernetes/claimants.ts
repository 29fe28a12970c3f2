import type { Fault } from "../model/domain.ts";
import { showName } from "../model/names.ts";
import type { Name } from "../wire/name.ts";
import { NO_CLAIMS, type Claim, type ClaimSettings, type ObjectClaims, type Objects } from "./claim.ts";
import type { FactsByKind, Kind } from "./facts.ts";
import { readIngress } from "./ingresses.ts";
import { objectKey, referenceTo, slicesOf, type ObjectStore, type Reference } from "./object-store.ts";
import { readPod, readWorkload } from "./pods.ts";
import { readService } from "./services.ts";

type Reader<K extends Kind> = (facts: FactsByKind[K], objects: Objects, settings: ClaimSettings) => ObjectClaims;

const READERS: { readonly [K in Kind]?: Reader<K> } = {
  Pod: readPod,
  Deployment: (facts, objects, settings) => readWorkload("Deployment", facts, objects, settings),
  StatefulSet: (facts, objects, settings) => readWorkload("StatefulSet", facts, objects, settings),
  DaemonSet: (facts, objects, settings) => readWorkload("DaemonSet", facts, objects, settings),
  ReplicaSet: (facts, objects, settings) => readWorkload("ReplicaSet", facts, objects, settings),
  Service: readService,
  Ingress: readIngress,
};

/** An object that asks for names. */
interface Claimant {
  readonly kind: Kind;
  readonly key: string;
  claims: ObjectClaims;
  /** What it was read from, besides itself. */
  dependencies: ReadonlySet<Reference>;
}

/** What an object claimed, and what it claims now. */
export interface Reread {
  readonly kind: Kind;
  /** `NAMESPACE/NAME` */
  readonly key: string;
  readonly reference: Reference;
  readonly before: ObjectClaims;
  readonly after: ObjectClaims;
}

/** The objects that claim names. Each is read again when something changes that it was read from. */
export class Claimants {
  private readonly store: ObjectStore;
  private readonly settings: ClaimSettings;
  private readonly claimants = new Map<Reference, Claimant>();
  /** Claimants by what they were read from. */
  private readonly dependents = new Map<Reference, Set<Reference>>();
  private readonly dirty = new Set<Reference>();

  constructor(store: ObjectStore, settings: ClaimSettings) {
    this.store = store;
    this.settings = settings;
  }

  /** Whether any is to be read again. */
  get isDirty(): boolean {
    return this.dirty.size > 0;
  }

  /** What an object (`NAMESPACE/NAME`) claims, as it was last read. */
  claimsOf(kind: Kind, key: string): readonly Claim[] {
    return this.claimants.get(referenceTo(kind, key))?.claims.claims ?? [];
  }

  /** An object has come, changed or gone. @param touched all that is another by that */
  changed(kind: Kind, key: string, touched: readonly Reference[]): void {
    const reference = referenceTo(kind, key);
    if (kind in READERS) {
      if (this.store.at(kind, key) && !this.claimants.has(reference))
        this.claimants.set(reference, { kind, key, claims: NO_CLAIMS, dependencies: new Set() });
      this.dirty.add(reference);
    }
    for (const dependency of touched) for (const claimant of this.dependents.get(dependency) ?? []) this.dirty.add(claimant);
  }

  /** Reads again what has to be. */
  *read(): Generator<Reread> {
    for (const reference of this.dirty) {
      const claimant = this.claimants.get(reference);
      if (!claimant) continue;
      const { kind, key, claims: before } = claimant;
      this.readOne(reference, claimant);
      yield { kind, key, reference, before, after: claimant.claims };
    }
    this.dirty.clear();
  }

  private readOne(reference: Reference, claimant: Claimant): void {
    const { store, settings } = this;
    const facts = store.at(claimant.kind, claimant.key);
    const dependencies = new Set<Reference>();
    const noting: Objects = {
      get: (kind, namespace, name) => {
        dependencies.add(referenceTo(kind, objectKey(namespace, name)));
        return store.get(kind, namespace, name);
      },
      slices: (namespace, service) => {
        dependencies.add(slicesOf(namespace, service));
        return store.slices(namespace, service);
      },
    };
    const reader = READERS[claimant.kind] as Reader<Kind> | undefined;
    claimant.claims = withoutReserved(facts && reader ? reader(facts, noting, settings) : NO_CLAIMS, settings);
    this.depend(reference, claimant.dependencies, dependencies);
    claimant.dependencies = dependencies;
    if (!facts) this.claimants.delete(reference);
  }

  private depend(reference: Reference, old: ReadonlySet<Reference>, fresh: ReadonlySet<Reference>): void {
    for (const dependency of old) {
      if (fresh.has(dependency)) continue;
      const known = this.dependents.get(dependency);
      if (known?.delete(reference) && known.size === 0) this.dependents.delete(dependency);
    }
    for (const dependency of fresh) {
      if (old.has(dependency)) continue;
      const known = this.dependents.get(dependency);
      if (known) known.add(reference);
      else this.dependents.set(dependency, new Set([reference]));
    }
  }
}

function withoutReserved(read: ObjectClaims, settings: ClaimSettings): ObjectClaims {
  const reserved = read.claims.flatMap((claim): [Claim, Fault][] => {
    const what = whoseElse(claim.name, settings);
    if (what === undefined) return [];
    return [[claim, { object: claim.owner, reason: "DomainTaken", message: `${showName(claim.name)} is ${what}; choose another name` }]];
  });
  if (reserved.length === 0) return read;
  const taken = new Set(reserved.map(([claim]) => claim));
  return { claims: read.claims.filter((claim) => !taken.has(claim)), faults: [...read.faults, ...reserved.map(([, fault]) => fault)] };
}

/** What a name is that no object may have. */
function whoseElse(name: Name, { nameServers, reserved }: ClaimSettings): string | undefined {
  if (nameServers.has(name)) return "the name of a name server of this cluster";
  return reserved?.has(name) ? "led elsewhere by the server's configuration (vanity)" : undefined;
}
