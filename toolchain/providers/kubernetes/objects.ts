/** Reading Kubernetes objects of any kind: they come as unknown JSON, and every accessor answers `undefined` for what is not there. */

import { isObject, type Json, type JsonObject } from "./values.ts";

export type KubeObject = JsonObject;

/** The value at a path of member names, or undefined. */
export function at(object: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value: Json | undefined = object;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  return value;
}

export function textAt(object: Json | undefined, ...path: readonly string[]): string | undefined {
  const value = at(object, ...path);
  return typeof value === "string" ? value : undefined;
}

export function numberAt(object: Json | undefined, ...path: readonly string[]): number | undefined {
  const value = at(object, ...path);
  return typeof value === "number" ? value : undefined;
}

export function objectAt(object: Json | undefined, ...path: readonly string[]): JsonObject {
  const value = at(object, ...path);
  return isObject(value) ? value : {};
}

export function listAt(object: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const value = at(object, ...path);
  return Array.isArray(value) ? value : [];
}

export const nameOf = (object: KubeObject): string => textAt(object, "metadata", "name") ?? "";
export const namespaceOf = (object: KubeObject): string => textAt(object, "metadata", "namespace") ?? "";
export const apiVersionOf = (object: KubeObject): string => textAt(object, "apiVersion") ?? "";
export const kindOf = (object: KubeObject): string => textAt(object, "kind") ?? "";
export const annotation = (object: KubeObject, name: string): string | undefined => textAt(object, "metadata", "annotations", name);

/** The object with one member of its metadata set; the object given stays as it was. */
export function withMetadata(object: KubeObject, members: JsonObject): KubeObject {
  return { ...object, metadata: { ...objectAt(object, "metadata"), ...members } };
}

/** The object with one annotation set. */
export function withAnnotation(object: KubeObject, name: string, value: string): KubeObject {
  return withMetadata(object, { annotations: { ...objectAt(object, "metadata", "annotations"), [name]: value } });
}

/** The copy of an object that lacks the member at the path. */
export function without(object: KubeObject, path: readonly string[]): KubeObject {
  const [head, ...rest] = path;
  if (head === undefined || !Object.hasOwn(object, head)) return object;
  const { [head]: member, ...others } = object;
  if (rest.length === 0) return others;
  return isObject(member) ? { ...object, [head]: without(member, rest) } : object;
}

/** The ID of an object in Pulumi's state: `NAMESPACE/NAME`, or `NAME` where it has no namespace. */
export function idOf(object: KubeObject): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** The reverse of `idOf`. */
export function parseId(id: string): { namespace: string; name: string } {
  const slash = id.indexOf("/");
  return slash < 0 ? { namespace: "", name: id } : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** Names an object in messages: `apps/v1 Deployment default/echo`. */
export function describe(object: KubeObject): string {
  return `${apiVersionOf(object)} ${kindOf(object)} ${idOf(object)}`;
}

/** The condition of that type in `status.conditions`. */
export function condition(object: KubeObject, type: string): JsonObject | undefined {
  return listAt(object, "status", "conditions")
    .filter(isObject)
    .find((entry) => entry["type"] === type);
}

/** Whether `status.conditions` says that condition is True. */
export function conditionIsTrue(object: KubeObject, type: string): boolean {
  return condition(object, type)?.["status"] === "True";
}
