/** Carries the secrecy of inputs over to outputs, which come from the server unmarked. */

import { apiVersionOf, kindOf, objectAt, type KubeObject } from "./objects.ts";
import { hasSecrets, isObject, isSecret, secret, type Json, type JsonObject } from "./values.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Marks as secret every output whose input was or held a secret. Objects are compared member by member, so that one
 * secret does not hide a whole object; an array that held a secret is marked as a whole, since servers reorder arrays.
 * The data of a Secret is always secret.
 */
export function markSecrets(outputs: KubeObject, inputs: JsonObject): KubeObject {
  const marked = follow(outputs, inputs);
  if (apiVersionOf(outputs) !== "v1" || kindOf(outputs) !== "Secret") return marked;
  for (const name of ["data", "stringData"]) {
    if (marked[name] !== undefined) marked[name] = secret(marked[name]);
  }
  const annotations = objectAt(marked, "metadata", "annotations");
  if (annotations[lastApplied] === undefined) return marked;
  return {
    ...marked,
    metadata: { ...objectAt(marked, "metadata"), annotations: { ...annotations, [lastApplied]: secret(annotations[lastApplied]) } },
  };
}

function follow(outputs: JsonObject, inputs: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, followValue(value, inputs[key])]));
}

function followValue(output: Json, input: Json | undefined): Json {
  if (isObject(output) && isObject(input) && !isSecret(input)) return follow(output, input);
  return hasSecrets(input) ? secret(output) : output;
}
