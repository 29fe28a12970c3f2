/**
 * What Pulumi keeps of an object: the live object, with the inputs that made it and the field manager that owns them
 * beside it, in the members that the official provider uses. Schemas of custom resources have dashes in member
 * names, which SDKs spell with underscores.
 */

import { isObject, plainObject, type Json, type JsonObject } from "./values.ts";
import { apiVersionOf, without, type KubeObject } from "./objects.ts";
import { markSecrets } from "./secrets.ts";

const dashed = new Map(
  [
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
  ].map((name) => [name.replaceAll("-", "_"), name]),
);
const underscored = new Map(Array.from(dashed, ([sdk, name]) => [name, sdk]));

function rename(value: Json, names: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((item) => rename(item, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [names.get(key) ?? key, rename(member, names)]));
}

function renameObject(value: JsonObject, names: ReadonlyMap<string, string>): JsonObject {
  const result = rename(value, names);
  return isObject(result) ? result : {};
}

/** Properties from the engine as the manifest that the server understands. */
export function manifest(properties: JsonObject): KubeObject {
  return renameObject(plainObject(properties), dashed);
}

/** A manifest as properties for the engine, secret where `like` (properties from the engine) is. */
export function properties(object: KubeObject, like: JsonObject): JsonObject {
  return markSecrets(renameObject(object, underscored), like);
}

export interface Checkpoint {
  readonly inputs: KubeObject;
  readonly live: KubeObject;
  readonly initialApiVersion: string;
  /** Absent before the first apply. */
  readonly fieldManager: string | undefined;
}

/**
 * The state to keep.
 * @param like properties from the engine whose secrecy the state takes over
 */
export function checkpoint(state: Checkpoint, like: JsonObject): JsonObject {
  return {
    ...properties(state.live, like),
    __inputs: properties(state.inputs, like),
    __initialApiVersion: state.initialApiVersion,
    ...(state.fieldManager === undefined ? {} : { __fieldManager: state.fieldManager }),
  };
}

/** The reverse of `checkpoint`; an empty state gives empty objects. */
export function parseCheckpoint(state: JsonObject): Checkpoint {
  const { __inputs, __initialApiVersion, __fieldManager, ...live } = manifest(state);
  const inputs = isObject(__inputs) ? __inputs : {};
  return {
    inputs,
    live,
    initialApiVersion: typeof __initialApiVersion === "string" ? __initialApiVersion : apiVersionOf(inputs),
    fieldManager: typeof __fieldManager === "string" ? __fieldManager : undefined,
  };
}

const serverMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
] as const;

/** The object without the metadata that only the server sets. */
export function withoutServerMetadata(object: KubeObject): KubeObject {
  return serverMetadata.reduce<KubeObject>((result, name) => without(result, ["metadata", name]), object);
}

/** The inputs that would make this live object: what an import writes down. */
export function inputsOf(live: KubeObject): KubeObject {
  const bare = without(withoutServerMetadata(live), ["status"]);
  const noise = ["deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"];
  const cleaned = noise.reduce<KubeObject>((object, name) => without(object, ["metadata", "annotations", name]), bare);
  const annotations = cleaned["metadata"];
  const empty = isObject(annotations) && isObject(annotations["annotations"]) && Object.keys(annotations["annotations"]).length === 0;
  return empty ? without(cleaned, ["metadata", "annotations"]) : cleaned;
}

/**
 * The part of a live value that the program gave. In a list of named items (containers, ports, volumes) those that the
 * program named count, since others may add theirs by server-side apply; any other list counts as a whole. What stands
 * where the program gave nothing (`sessionAffinity: ""`) is a default, and not the program's.
 */
export function prune(live: Json, inputs: Json): Json {
  if (isObject(live) && isObject(inputs)) {
    const kept = Object.keys(inputs).filter((key) => live[key] !== undefined && !(isNothing(inputs[key]) && !isNothing(live[key])));
    return Object.fromEntries(kept.map((key) => [key, prune(live[key] ?? null, inputs[key] ?? null)]));
  }
  if (!Array.isArray(live) || !Array.isArray(inputs)) return live;
  if (inputs.length > 0 && inputs.every(isNamed) && live.every(isNamed)) {
    return inputs.flatMap((input) => live.filter((item) => item["name"] === input["name"]).map((item) => prune(item, input)));
  }
  return live.map((item, index) => (inputs[index] === undefined ? item : prune(item, inputs[index])));
}

function isNothing(value: Json | undefined): boolean {
  return value === "" || value === null || (Array.isArray(value) && value.length === 0);
}

function isNamed(item: Json): item is JsonObject {
  return isObject(item) && typeof item["name"] === "string";
}

/** The inputs as the cluster has them now, for a refresh. */
export function liveInputs(live: KubeObject, inputs: KubeObject): KubeObject {
  const pruned = prune(live, inputs);
  return isObject(pruned) ? pruned : {};
}
