import { createHash } from "node:crypto";
import type { Fault, ObjectRef, Target } from "../model/domain.ts";
import type { Name } from "../wire/name.ts";
import type { FactsByKind, Kind, Meta, SliceFacts } from "./facts.ts";
import { KINDS } from "./kinds.ts";
import type { ConfigMaps, DomainSettings, SettingsSource } from "./settings.ts";

/** What one object asks for: that a name leads to some targets. The claims of all objects make the domains. */
export interface Claim {
  readonly name: Name;
  readonly origin: Name;
  readonly namespace: string;
  /** To which Events about the name belong. */
  readonly owner: ObjectRef;
  /** How old the owner is, milliseconds since the epoch: of two namespaces the older claim holds. */
  readonly since: number;
  readonly targets: readonly Target[];
  readonly alias: Name | undefined;
  /** Whether it asks for a part of the name only, such as a path, and yields to who asks for all of it. */
  readonly isPartial: boolean;
  /** What is wrong with it, told while it holds: of one that gets nothing it would not be true. */
  readonly faults: readonly Fault[];
  /** Whose word on the settings of the domain holds: the youngest's, milliseconds since the epoch. */
  readonly saidAt: number;
  readonly settings: DomainSettings;
}

/** All that an object asks for, and what is wrong with it. */
export interface ObjectClaims {
  readonly claims: readonly Claim[];
  readonly faults: readonly Fault[];
}

export const NO_CLAIMS: ObjectClaims = { claims: [], faults: [] };

/** The other objects, as far as a reading asks for them: what it has asked for is read again when it changes. */
export interface Objects {
  get<K extends Kind>(kind: K, namespace: string, name: string): FactsByKind[K] | undefined;
  slices(namespace: string, service: string): readonly SliceFacts[];
}

export interface ClaimSettings {
  /** The zone that the names of the cluster are in; folded. */
  readonly zone: Name;
  /** Class of the Ingresses that are this server's. */
  readonly ingressClass: string;
  /** Names of the cluster's own name servers, folded: nobody's domain, or its pods would be asked instead of them. */
  readonly nameServers: ReadonlySet<Name>;
  /** Names that the operator leads elsewhere, folded: they are nobody else's either. */
  readonly reserved?: ReadonlySet<Name>;
}

export const refOf = (kind: Kind, { namespace, name, uid }: Meta): ObjectRef => ({
  apiVersion: KINDS[kind].apiVersion,
  kind,
  namespace,
  name,
  uid,
});

export const sourceOf = (kind: Kind, facts: Meta): SettingsSource => ({ object: refOf(kind, facts), settings: facts.settings });

/** The namespace of an object as a source of settings, the last one to be asked. */
export function namespaceSource(objects: Objects, namespace: string): SettingsSource[] {
  const facts = objects.get("Namespace", "", namespace);
  return facts ? [sourceOf("Namespace", facts)] : [];
}

/** The texts of the ConfigMaps in a namespace. */
export const configMapsOf =
  (objects: Objects, namespace: string): ConfigMaps =>
  (name) =>
    objects.get("ConfigMap", namespace, name)?.data;

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** A host name label that stands for an object as long as it lives: 50 bits of a hash of its uid. */
export function labelOf({ uid, namespace, name }: Pick<Meta, "uid" | "namespace" | "name">): string {
  const hash = createHash("sha256")
    .update(uid || `${namespace}/${name}`)
    .digest();
  return Array.from(hash.subarray(0, 10), (byte) => BASE32[byte & 31]).join("");
}
