/** Spellings of the same object, brought to the one that the API server stores and that the official plugin keeps. */

import { hasUnknown } from "../shared/properties.ts";
import { apiVersionOf, at, kindOf, objectAt, without, type KubeObject } from "./objects.ts";
import type { JsonObject } from "./values.ts";

/** The inputs in their stored spelling; those with unknown values stay as they are. Changes nothing the second time. */
export function normalize(inputs: KubeObject): KubeObject {
  if (hasUnknown(inputs)) return inputs;
  if (apiVersionOf(inputs) === "v1" && kindOf(inputs) === "Secret") return normalizeSecret(inputs);
  if (kindOf(inputs) === "CustomResourceDefinition") return normalizeDefinition(inputs);
  return inputs;
}

/** `stringData` goes to `data`, where it wins; `data` becomes the base64 that the server writes. */
function normalizeSecret(secret: KubeObject): KubeObject {
  const data = mapText(objectAt(secret, "data"), (text) => Buffer.from(text, "base64"));
  const stringData = mapText(objectAt(secret, "stringData"), (text) => Buffer.from(text));
  const all = { ...data, ...stringData };
  return Object.keys(all).length === 0 ? secret : { ...without(secret, ["stringData"]), data: all };
}

function mapText(values: JsonObject, bytes: (text: string) => Buffer): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === "string" ? bytes(value).toString("base64") : value]));
}

/** The server drops `preserveUnknownFields: false`, and a status that is not its own. */
function normalizeDefinition(definition: KubeObject): KubeObject {
  const preserving = at(definition, "spec", "preserveUnknownFields") === false;
  const bare = without(definition, ["status"]);
  return preserving ? without(bare, ["spec", "preserveUnknownFields"]) : bare;
}
