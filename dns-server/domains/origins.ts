import type { Claim } from "../kubernetes/claim.ts";
import type { Reference } from "../kubernetes/object-store.ts";
import type { Domain, Fault } from "../model/domain.ts";
import { isSubdomain, parentName, type Name } from "../wire/name.ts";

/** Whose an origin is. */
export interface Owner {
  readonly namespace: string;
  /** Whether it has it by the word of who has the name above. */
  readonly byWord: boolean;
}

/** A name that is claimed, with what is claimed in it: itself, and a wildcard or aliases below. */
export interface Origin {
  readonly name: Name;
  /** Claims by the object that makes them. */
  readonly claims: Map<Reference, readonly Claim[]>;
  /** To which namespace it and all in it belongs; undefined where nobody who asks for it may have it. */
  owner: Owner | undefined;
  /** In which round of making domains it became the owner's. */
  ownedIn: number;
  /** The claims that hold. */
  held: ReadonlySet<Claim>;
  domains: ReadonlyMap<Name, Domain>;
  faults: readonly Fault[];
}

/** All origins, and which are below which. */
export class Origins {
  private readonly zone: Name;
  private readonly byName = new Map<Name, Origin>();
  /** Origins below each name that is above some. */
  private readonly lower = new Map<Name, Set<Name>>();

  /** @param zone that all are in, folded */
  constructor(zone: Name) {
    this.zone = zone;
  }

  get(name: Name): Origin | undefined {
    return this.byName.get(name);
  }

  [Symbol.iterator](): Iterator<Origin> {
    return this.byName.values();
  }

  add(name: Name, owner: Owner | undefined): Origin {
    const origin: Origin = { name, claims: new Map(), owner, ownedIn: 0, held: new Set(), domains: new Map(), faults: [] };
    this.byName.set(name, origin);
    for (const above of this.namesAbove(name)) this.lower.set(above, (this.lower.get(above) ?? new Set()).add(name));
    return origin;
  }

  remove(name: Name): void {
    this.byName.delete(name);
    for (const above of this.namesAbove(name)) {
      const known = this.lower.get(above);
      if (known?.delete(name) && known.size === 0) this.lower.delete(above);
    }
  }

  /** Names of the origins below a name. */
  below(name: Name): Iterable<Name> {
    return this.lower.get(name) ?? [];
  }

  /** The closest origin above a name that somebody has. */
  above(name: Name): (Origin & { readonly owner: Owner }) | undefined {
    for (const at of this.namesAbove(name)) {
      const origin = this.byName.get(at);
      if (origin && isOwned(origin)) return origin;
    }
    return undefined;
  }

  /** The names between a name and the zone of the cluster, the longest first. */
  private *namesAbove(name: Name): Generator<Name> {
    for (let at = parentName(name); at !== this.zone && isSubdomain(at, this.zone); at = parentName(at)) yield at;
  }
}

const isOwned = (origin: Origin): origin is Origin & { readonly owner: Owner } => origin.owner !== undefined;
