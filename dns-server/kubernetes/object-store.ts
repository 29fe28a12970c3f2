import { isDeepStrictEqual } from "node:util";
import type { Objects } from "./claim.ts";
import type { FactsByKind, Kind, SliceFacts } from "./facts.ts";

/** An object, or all slices of a Service: what claims are read from. */
export type Reference = string & { readonly __brand: "Reference" };

/** @param key `NAMESPACE/NAME`; the namespace is empty for an object of the cluster */
export const referenceTo = (kind: Kind, key: string): Reference => `${kind}/${key}` as Reference;
export const objectKey = (namespace: string, name: string): string => `${namespace}/${name}`;
export const isTo = (kind: Kind, reference: Reference): boolean => reference.startsWith(`${kind}/`);
/** The `NAMESPACE/NAME` that a reference is to. */
export const keyIn = (reference: Reference): string => reference.slice(reference.indexOf("/") + 1);
export const slicesOf = (namespace: string, service: string): Reference => `slices/${namespace}/${service}` as Reference;

/** The facts of all objects of a cluster. */
export class ObjectStore implements Objects {
  private readonly facts = new Map<Reference, FactsByKind[Kind]>();
  private readonly slicesByService = new Map<Reference, Set<Reference>>();

  get<K extends Kind>(kind: K, namespace: string, name: string): FactsByKind[K] | undefined {
    return this.at(kind, objectKey(namespace, name));
  }

  at<K extends Kind>(kind: K, key: string): FactsByKind[K] | undefined {
    return this.facts.get(referenceTo(kind, key)) as FactsByKind[K] | undefined;
  }

  slices(namespace: string, service: string): readonly SliceFacts[] {
    const slices = this.slicesByService.get(slicesOf(namespace, service)) ?? [];
    // in the same order for all who ask: slices may disagree for a moment
    return [...slices].sort().map((slice) => this.facts.get(slice) as SliceFacts);
  }

  /**
   * Takes the facts of an object; undefined when it is gone.
   * @returns what is another by that
   */
  set<K extends Kind>(kind: K, key: string, facts: FactsByKind[K] | undefined): Reference[] {
    const reference = referenceTo(kind, key);
    const old = this.at(kind, key);
    if (old === facts || (old && facts && isDeepStrictEqual(old, facts))) return [];
    if (facts) this.facts.set(reference, facts);
    else this.facts.delete(reference);
    const slices = [old, facts].flatMap((slice) => (slice && "endpoints" in slice ? this.index(slice, reference, slice === facts) : []));
    return [reference, ...slices];
  }

  private index(slice: SliceFacts, reference: Reference, isPresent: boolean): Reference {
    const at = slicesOf(slice.namespace, slice.service);
    const known = this.slicesByService.get(at) ?? new Set();
    if (isPresent) this.slicesByService.set(at, known.add(reference));
    else if (known.delete(reference) && known.size === 0) this.slicesByService.delete(at);
    return at;
  }
}
