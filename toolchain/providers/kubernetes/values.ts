/**
 * Property values as the engine sends them: plain JSON in which secrets and unknowns are marked.
 * The markers are part of the wire format that the engine and every provider share.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** A value that is known only when the update runs. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** One marker for each type that a value may have once it is known. */
const unknownMarkers = new Set<string>([
  unknown,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // bool
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isUnknown(value: Json | undefined): boolean {
  return typeof value === "string" && unknownMarkers.has(value);
}

export function isSecret(value: Json | undefined): boolean {
  return isObject(value) && value[signatureKey] === secretSignature;
}

/** Marks a value as secret; a value that is marked already stays as it is. */
export function secret(value: Json): Json {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

/** The value without secret markers, and without null members of objects (which mean "absent"). */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  if (isSecret(value)) return plain(value["value"] ?? null);
  const result: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const inner = plain(member);
    if (inner !== null) result[key] = inner;
  }
  return result;
}

/** `plain` for a map of properties. */
export function plainObject(value: JsonObject): JsonObject {
  const result = plain(value);
  return isObject(result) ? result : {};
}

/** Whether the value is, or holds, something that is not known before the update runs. */
export function hasUnknowns(value: Json | undefined): boolean {
  return some(value, isUnknown);
}

/** Whether the value is, or holds, a secret. */
export function hasSecrets(value: Json | undefined): boolean {
  return some(value, isSecret);
}

function some(value: Json | undefined, test: (value: Json | undefined) => boolean): boolean {
  if (test(value)) return true;
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  return isObject(value) && Object.values(value).some((member) => some(member, test));
}

/** Whether two values are the same JSON, whatever the order of object members. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}
