/** Check: completes the inputs of a resource by its name and namespace. */

import { isTrue, annotations } from "../annotations.ts";
import { isUnreachable, type Context } from "../context.ts";
import { unsupported } from "../config.ts";
import { normalize } from "../normalize.ts";
import { assignName, keepName, type Autonaming } from "../names.ts";
import { apiVersionOf, at, kindOf, nameOf, namespaceOf, textAt, withMetadata, type KubeObject } from "../objects.ts";
import { manifest, properties, withoutServerMetadata } from "../state.ts";
import { resourceName, resourceType } from "../urn.ts";
import { isObject, type JsonObject } from "../values.ts";

export interface CheckRequest {
  readonly urn: string;
  /** Inputs of the resource so far; empty for a new one. */
  readonly olds: JsonObject;
  readonly news: JsonObject;
  readonly seed: Uint8Array;
  readonly autonaming: Autonaming | undefined;
}

/** The inputs as the other operations get them. Throws for what can never be applied. */
export async function check(context: Context, request: CheckRequest): Promise<JsonObject> {
  const { urn, olds, news } = request;
  const type = resourceType(urn);
  if (type.token.startsWith("kubernetes:helm.sh/")) throw new Error(unsupported(type.token));
  if (context.config.skipUpdateUnreachable && Object.keys(olds).length > 0 && (await isAway(context))) {
    context.log.warning(urn, "the cluster does not answer; the resource is left as it is, because skipUpdateUnreachable is set");
    return olds;
  }
  const given = normalize(withoutServerMetadata({ apiVersion: type.apiVersion, kind: type.kind, ...manifest(news) }));
  if (type.token.endsWith("List") && at(given, "items") !== undefined) {
    throw new Error(`${type.token} cannot be created; declare each of its items as a resource of its own kind`);
  }
  if (at(given, "metadata", "generateName") !== undefined) {
    throw new Error(
      `${resourceName(urn)}: metadata.generateName does not work with server-side apply; leave it out to get an automatic name`,
    );
  }
  if (type.patch && nameOf(given) === "") throw new Error(`${resourceName(urn)}: a patch needs metadata.name, the object to patch`);

  const isNew = Object.keys(olds).length === 0;
  const named = isNew ? assignName(given, resourceName(urn), request.seed, request.autonaming) : keepName(given, manifest(olds));
  return properties(await withNamespace(context, named), news);
}

async function withNamespace(context: Context, object: KubeObject): Promise<KubeObject> {
  const metadata = at(object, "metadata");
  if (namespaceOf(object) !== "" || (metadata !== undefined && !isObject(metadata))) return object;
  return (await context.isNamespaced(object)) ? withMetadata(object, { namespace: context.namespace }) : object;
}

async function isAway(context: Context): Promise<boolean> {
  try {
    await context.cluster.client.request({ path: "/version", signal: context.signal, patience: "preview" });
    return false;
  } catch (error) {
    if (isUnreachable(error)) return true;
    throw error;
  }
}

/** Whether the program, and not the provider, chose the name. */
export function isNamedByProgram(inputs: KubeObject): boolean {
  return nameOf(inputs) !== "" && !isTrue(inputs, annotations.autonamed);
}

/** The identity of an object for a request: its kind and name, as far as the inputs say them. */
export function identity(inputs: KubeObject, name: string, namespace: string): KubeObject {
  return {
    apiVersion: textAt(inputs, "apiVersion") ?? apiVersionOf(inputs),
    kind: kindOf(inputs),
    metadata: { name, ...(namespace === "" ? {} : { namespace }) },
  };
}
