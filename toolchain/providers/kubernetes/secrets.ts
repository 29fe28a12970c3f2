/** Carries the secrecy of inputs over to outputs, which come from the server unmarked. */

import { isSecret, secret } from "../shared/properties.ts";
import { apiVersionOf, kindOf, objectAt, withMetadata, type KubeObject } from "./objects.ts";
import { hasSecret, isObject, type Json, type JsonObject } from "./values.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Marks as secret every output whose input was or held a secret. Objects are compared member by member, so that one
 * secret does not hide a whole object; an array that held a secret is marked as a whole, since servers reorder arrays.
 * The data of a Secret is always secret.
 */
export function markSecrets(outputs: KubeObject, inputs: JsonObject): KubeObject {
  const marked = follow(outputs, inputs);
  if (apiVersionOf(outputs) !== "v1" || kindOf(outputs) !== "Secret") return marked;
  const annotations = objectAt(marked, "metadata", "annotations");
  const hidden = hide(marked, ["data", "stringData"]);
  if (annotations[lastApplied] === undefined) return hidden;
  return withMetadata(hidden, { annotations: hide(annotations, [lastApplied]) });
}

/** The object with these members, where it has them, as secrets. */
function hide(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, names.includes(key) ? secret(value) : value]));
}

function follow(outputs: JsonObject, inputs: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, followValue(value, inputs[key])]));
}

function followValue(output: Json, input: Json | undefined): Json {
  if (isObject(output) && isObject(input) && !isSecret(input)) return follow(output, input);
  return hasSecret(input) ? secret(output) : output;
}
