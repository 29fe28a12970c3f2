/** Names for objects that the program leaves unnamed, and the namespace that they go to. */

import { createHash, randomBytes } from "node:crypto";
import { annotations, isTrue } from "./annotations.ts";
import { at, nameOf, withAnnotation, withMetadata, type KubeObject } from "./objects.ts";
import { isObject } from "./values.ts";

/** What the engine says about names: its proposal, and whether it may be changed or names must come from the program. */
export interface Autonaming {
  readonly mode: "propose" | "enforce" | "disable";
  readonly proposedName: string;
}

/** Whether the object lacks a name that the provider may choose. An unknown name or unknown metadata is none. */
function isUnnamed(object: KubeObject): boolean {
  const metadata = at(object, "metadata");
  if (metadata !== undefined && !isObject(metadata)) return false;
  return at(object, "metadata", "name") === undefined && at(object, "metadata", "generateName") === undefined;
}

/**
 * Gives an unnamed object the name `RESOURCE-xxxxxxxx` (8 hexadecimal digits from the engine's seed, so that preview
 * and update agree) and marks it as autonamed. Throws where the stack's configuration forbids automatic names.
 */
export function assignName(object: KubeObject, resource: string, seed: Uint8Array, autonaming?: Autonaming): KubeObject {
  if (!isUnnamed(object)) return object;
  if (autonaming?.mode === "disable") {
    throw new Error(`${resource}: metadata.name is required, because automatic naming is disabled by the stack's pulumi:autonaming`);
  }
  const digits = (seed.length > 0 ? createHash("sha256").update(seed).digest("hex") : randomBytes(4).toString("hex")).slice(0, 8);
  const name = autonaming === undefined ? `${resource}-${digits}` : autonaming.proposedName;
  return withAnnotation(withMetadata(object, { name }), annotations.autonamed, "true");
}

/** Keeps the automatic name that the object got before, as long as the program still leaves it unnamed. */
export function keepName(object: KubeObject, old: KubeObject): KubeObject {
  if (!isUnnamed(object) || !isTrue(old, annotations.autonamed)) return object;
  return withAnnotation(withMetadata(object, { name: nameOf(old) }), annotations.autonamed, "true");
}
