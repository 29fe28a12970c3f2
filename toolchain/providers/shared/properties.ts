/**
 * Pulumi's property values as they travel between engine and plugin: plain JSON in which secrets, unknown values, assets and
 * archives are objects or strings with agreed marks.
 */

/** A property value in wire form. */
export type Value = null | boolean | number | string | readonly Value[] | Properties;

/** A map of property values in wire form: the inputs or outputs of a resource. */
export interface Properties {
  readonly [key: string]: Value;
}

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** The mark for a value that is not known before an update has run. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

// One mark for each type that the engine tells apart.
const UNKNOWNS: ReadonlySet<unknown> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

/** An asset: exactly one of `path`, `text` and `uri` says where its content is; `hash` is the SHA-256 of the content. */
export type Asset = { readonly hash?: string; readonly path?: string; readonly text?: string; readonly uri?: string };

/** An archive: exactly one of `path`, `uri` and `assets` says where its files are. */
export type Archive = { readonly hash?: string; readonly path?: string; readonly uri?: string; readonly assets?: Properties };

/** Whether a value is a map, marked ones included. */
export function isMap(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is a secret at its top. */
export function isSecret(value: Value | undefined): value is Properties & { readonly value: Value } {
  return isMap(value) && value[SIGNATURE] === SECRET;
}

/** The value as a secret; a secret stays as it is. */
export function secret(value: Value): Value {
  return isSecret(value) ? value : { [SIGNATURE]: SECRET, value };
}

/** Whether a value is an asset. */
export function isAsset(value: Value | undefined): value is Properties & Asset {
  return isMap(value) && value[SIGNATURE] === ASSET;
}

/** Whether a value is an archive. */
export function isArchive(value: Value | undefined): value is Properties & Archive {
  return isMap(value) && value[SIGNATURE] === ARCHIVE;
}

/** An asset in wire form. */
export function asset(content: Asset): Properties {
  return { [SIGNATURE]: ASSET, ...content };
}

/** An archive in wire form. */
export function archive(content: Archive): Properties {
  return { [SIGNATURE]: ARCHIVE, ...content };
}

/** Whether a value is unknown, or has an unknown value somewhere inside. */
export function hasUnknown(value: Value | undefined): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isMap(value)) return Object.values(value).some(hasUnknown);
  return UNKNOWNS.has(value);
}

/** The value with all secret marks taken off, at every depth. For running things only: never put the result into outputs. */
export function reveal(value: Value): Value {
  if (Array.isArray(value)) return value.map(reveal);
  if (!isMap(value)) return value;
  if (isSecret(value)) return reveal(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}
