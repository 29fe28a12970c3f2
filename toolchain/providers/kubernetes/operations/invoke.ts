/** Functions: decoding of YAML, which the SDK's `yaml` components need. */

import { unsupported } from "../config.ts";
import type { Context } from "../context.ts";
import { kindOf, listAt, namespaceOf, withMetadata, type KubeObject } from "../objects.ts";
import { isObject, type Json, type JsonObject } from "../values.ts";

export async function invoke(context: Context, token: string, args: JsonObject): Promise<JsonObject> {
  if (token !== "kubernetes:yaml:decode") throw new Error(unsupported(token));
  const { text, defaultNamespace } = args;
  if (typeof text !== "string") throw new Error(`${token}: "text" is missing`);
  const objects = await decode(text);
  if (typeof defaultNamespace !== "string" || defaultNamespace === "") return { result: objects };
  return { result: await Promise.all(objects.map((object) => withDefaultNamespace(context, object, defaultNamespace))) };
}

/** The objects of all documents; lists are unfolded, empty documents left out. Throws with the place of a fault. */
async function decode(text: string): Promise<KubeObject[]> {
  const { parseAllDocuments } = await import("yaml");
  const documents: readonly { readonly errors: readonly Error[]; toJS(): unknown }[] = parseAllDocuments(text);
  return documents.flatMap((document, index) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw new Error(`YAML document ${index + 1}: ${fault.message}`);
    const value: unknown = document.toJS();
    if (value === null || value === undefined) return [];
    if (!isObject(value)) throw new Error(`YAML document ${index + 1} is not a Kubernetes object`);
    return unfold(value);
  });
}

function unfold(object: KubeObject): KubeObject[] {
  const items: readonly Json[] = listAt(object, "items");
  return kindOf(object).endsWith("List") && items.length > 0 ? items.filter(isObject).flatMap(unfold) : [object];
}

async function withDefaultNamespace(context: Context, object: KubeObject, namespace: string): Promise<KubeObject> {
  if (namespaceOf(object) !== "" || !(await context.isNamespaced(object))) return object;
  return withMetadata(object, { namespace });
}
