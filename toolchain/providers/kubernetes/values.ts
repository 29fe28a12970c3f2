/** Property values in wire form, as Kubernetes objects need them: as plain JSON, and compared by content. */

import { isMap, isSecret, type Properties, type Value } from "../shared/properties.ts";

export type Json = Value;
export type JsonObject = Properties;

/** Whether something is a JSON object (for values that have no type yet). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value without secret markers, and without null members of objects (which mean "absent"). */
export function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isMap(value)) return value;
  if (isSecret(value)) return plain(value.value);
  const members = Object.entries(value).map(([key, member]) => [key, plain(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== null));
}

/** `plain` for a map of properties. */
export function plainObject(value: JsonObject): JsonObject {
  const result = plain(value);
  return isObject(result) ? result : {};
}

/** Whether the value is, or holds, a secret. */
export function hasSecret(value: Json | undefined): boolean {
  if (Array.isArray(value)) return value.some(hasSecret);
  return isMap(value) && (isSecret(value) || Object.values(value).some(hasSecret));
}

/** Whether two values are the same JSON, whatever the order of object members. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index]));
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}
