/**
 * Field managers: who owns which fields of an object, as server-side apply records it in `metadata.managedFields`
 * (fieldsV1: a tree in which `f:name` stands for a member).
 */

import { randomBytes } from "node:crypto";
import { annotations } from "./annotations.ts";
import {
  annotation,
  at,
  listAt,
  namespaceOf,
  nameOf,
  apiVersionOf,
  kindOf,
  objectAt,
  textAt,
  without,
  type KubeObject,
} from "./objects.ts";
import { isObject, type Json, type JsonObject } from "./values.ts";

/** The manager of a resource: the one that its annotation names, else the one it had, else a new one. */
export function fieldManager(inputs: KubeObject, before: string | undefined): string {
  return annotation(inputs, annotations.fieldManager) ?? before ?? `pulumi-kubernetes-${randomBytes(4).toString("hex")}`;
}

/** Client-side appliers whose fields a resource takes over, as with `kubectl apply --server-side`. */
const clientSideManagers = new Set([
  "before-first-apply",
  "kubectl",
  "kubectl-client-side-apply",
  "pulumi-kubernetes",
  "pulumi-resource-kubernetes",
]);

function isAdoptable(entry: JsonObject): boolean {
  return entry["operation"] === "Update" && entry["subresource"] === undefined && clientSideManagers.has(textAt(entry, "manager") ?? "");
}

const entriesOf = (object: KubeObject): JsonObject[] => listAt(object, "metadata", "managedFields").filter(isObject);

/** Whether a client-side applier owns fields of the object, so that applying to it would conflict. */
export function hasClientSideManager(object: KubeObject): boolean {
  return entriesOf(object).some(isAdoptable);
}

/** The `managedFields` in which `manager` owns, by apply, what it and the client-side appliers owned. */
export function adoptFields(object: KubeObject, manager: string): JsonObject[] {
  const all = entriesOf(object);
  const adopted = all.filter(isAdoptable);
  if (adopted.length === 0) return all;
  const isOurs = (entry: JsonObject): boolean => entry["manager"] === manager && entry["operation"] === "Apply";
  const ours = all.filter(isOurs);
  const fieldsV1 = [...ours, ...adopted].map((entry) => objectAt(entry, "fieldsV1")).reduce(union, {});
  const merged = { ...(ours[0] ?? adopted[0]), manager, operation: "Apply", fieldsV1 };
  return [merged, ...all.filter((entry) => !isOurs(entry) && !isAdoptable(entry))];
}

function union(a: JsonObject, b: JsonObject): JsonObject {
  const result = { ...a };
  for (const [key, member] of Object.entries(b)) {
    const mine = result[key];
    result[key] = isObject(mine) && isObject(member) ? union(mine, member) : member;
  }
  return result;
}

/** Whether one of the managers that `test` picks owns the member at the path, or something below it. */
function owns(object: KubeObject, path: readonly string[], test: (manager: string) => boolean): boolean {
  const fields = path.map((name) => `f:${name}`);
  return entriesOf(object).some((entry) => test(textAt(entry, "manager") ?? "") && at(entry["fieldsV1"], ...fields) !== undefined);
}

/**
 * The inputs to apply when the program ignores changes of some paths: a field that only others manage is left to
 * them, any other keeps its live value. Paths through lists are left as the engine filled them in.
 */
export function ignoreChanges(
  inputs: KubeObject,
  live: KubeObject,
  paths: readonly (readonly (string | number)[])[],
  manager: string,
): KubeObject {
  return paths.reduce<KubeObject>((object, path) => {
    const names = path.filter((step) => typeof step === "string" && step !== "*").map(String);
    if (names.length !== path.length) return object;
    const isOurs = (name: string): boolean => name === manager;
    if (owns(live, names, (name) => !isOurs(name)) && !owns(live, names, isOurs)) return without(object, names);
    const value = at(live, ...names);
    return value === undefined ? object : withValue(object, names, value);
  }, inputs);
}

function withValue(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) return object;
  return { ...object, [head]: rest.length === 0 ? value : withValue(objectAt(object, head), rest, value) };
}

/** What a manager applies to give up all its fields of an object. */
export function nothing(object: KubeObject): KubeObject {
  const namespace = namespaceOf(object);
  const metadata = { name: nameOf(object), ...(namespace === "" ? {} : { namespace }) };
  return { apiVersion: apiVersionOf(object), kind: kindOf(object), metadata };
}
