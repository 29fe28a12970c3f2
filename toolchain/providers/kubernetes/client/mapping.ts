/** Where the objects of a kind live in the API, by discovery. */

import { apiVersionOf, at, kindOf, listAt, nameOf, namespaceOf, textAt, type KubeObject } from "../objects.ts";
import type { JsonObject } from "../values.ts";
import type { Client, Patience } from "./client.ts";
import { isNotFound, NoMatchError } from "./errors.ts";

export interface Mapping {
  /** Path of the API version: `/apis/apps/v1`. */
  readonly root: string;
  /** `deployments`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Kinds of Kubernetes itself without a namespace, for when no server can be asked. */
const clusterScoped = new Set([
  "APIService",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "CSIDriver",
  "CSINode",
  "CustomResourceDefinition",
  "FlowSchema",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "PriorityLevelConfiguration",
  "RuntimeClass",
  "StorageClass",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
  "VolumeAttachment",
]);

/** The best guess without a server: a kind that is not known to be cluster-wide has a namespace. */
export function isProbablyNamespaced(apiVersion: string, kind: string): boolean {
  const builtIn = !apiVersion.includes(".") || /\.k8s\.io\//.test(apiVersion);
  return !(builtIn && clusterScoped.has(kind));
}

/** The collection of the kind's objects, in one namespace where it has any. */
export function collectionPath(mapping: Mapping, namespace: string): string {
  const scope = mapping.namespaced ? `/namespaces/${encodeURIComponent(namespace || "default")}` : "";
  return `${mapping.root}${scope}/${mapping.plural}`;
}

export function objectPath(mapping: Mapping, object: KubeObject): string {
  return `${collectionPath(mapping, namespaceOf(object))}/${encodeURIComponent(nameOf(object))}`;
}

export class Discovery {
  readonly #client: Client;
  readonly #versions = new Map<string, Promise<readonly JsonObject[]>>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** Throws NoMatchError for a kind that the cluster does not have; it is looked up anew at the next call. */
  async mapping(object: KubeObject, signal: AbortSignal, patience: Patience): Promise<Mapping> {
    const apiVersion = apiVersionOf(object);
    const kind = kindOf(object);
    const resources = await this.#resources(apiVersion, signal, patience);
    const found = resources.find((resource) => textAt(resource, "kind") === kind && !textAt(resource, "name")?.includes("/"));
    if (found === undefined) {
      this.#versions.delete(apiVersion);
      throw new NoMatchError(apiVersion, kind);
    }
    return { root: rootOf(apiVersion), plural: textAt(found, "name") ?? "", namespaced: at(found, "namespaced") === true };
  }

  #resources(apiVersion: string, signal: AbortSignal, patience: Patience): Promise<readonly JsonObject[]> {
    const known = this.#versions.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.#client.request({ path: rootOf(apiVersion), signal, patience }).then(
      (list) => listAt(list, "resources").filter((entry): entry is JsonObject => typeof entry === "object" && entry !== null),
      (error: unknown) => {
        if (isNotFound(error)) return [];
        this.#versions.delete(apiVersion);
        throw error;
      },
    );
    this.#versions.set(apiVersion, asked);
    return asked;
  }
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
