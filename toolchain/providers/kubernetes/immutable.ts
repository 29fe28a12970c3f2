/**
 * Which changes an object cannot take in place. The server decides: a dry run of the update is refused, naming the
 * field. The table is for what no dry run shows: changes that the server would take but the official provider answers
 * with a replacement, and previews without a server.
 */

import { apiVersionOf, at, kindOf, type KubeObject } from "./objects.ts";
import { isBelow, parsePath, type Change } from "./diff.ts";
import { isObject, type Json } from "./values.ts";

const labelSelector = ["spec.selector"];
const roleRef = ["roleRef"];

const replaced: Readonly<Record<string, readonly string[]>> = {
  "apps/v1 DaemonSet": labelSelector,
  "apps/v1 Deployment": labelSelector,
  "apps/v1 StatefulSet": [...labelSelector, "spec.podManagementPolicy", "spec.serviceName", "spec.volumeClaimTemplates"],
  "batch/v1 Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": roleRef,
  "rbac.authorization.k8s.io/v1 RoleBinding": roleRef,
  "storage.k8s.io/v1 StorageClass": ["parameters", "provisioner"],
  "v1 PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeMode", "spec.volumeName"],
  "v1 Pod": [
    "spec.initContainers",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.securityContext",
    "spec.serviceAccountName",
    "spec.volumes",
  ],
  "v1 ResourceQuota": ["spec.scopes"],
  "v1 Service": ["spec.clusterIP"],
};

export interface Mutability {
  readonly configMaps: boolean;
  readonly secrets: boolean;
}

/** Paths of the object whose change means a replacement, whatever the server says. */
export function replacedPaths(object: KubeObject, patch: boolean, mutable: Mutability): string[] {
  const identity = ["metadata.name", "metadata.namespace"];
  if (patch) return identity;
  const type = `${apiVersionOf(object)} ${kindOf(object)}`;
  if (type === "v1 ConfigMap") return mutable.configMaps && !isImmutable(object) ? identity : [...identity, "data", "binaryData"];
  if (type === "v1 Secret") {
    return mutable.secrets && !isImmutable(object) ? [...identity, "type"] : [...identity, "type", "data", "stringData"];
  }
  return [...identity, ...(replaced[type] ?? [])];
}

const isImmutable = (object: KubeObject): boolean => at(object, "immutable") === true;

/** The details of a refusal by the API server, in the order of its causes. */
export interface Refusal {
  readonly status: number;
  readonly causes: readonly { readonly field: string; readonly message: string }[];
}

const immutableWords = /immutable|may not (?:be )?change|can(?:not|'t) (?:be )?change|updates? to .* forbidden|updates may not/i;

/** The fields that the server refuses to change, as it names them; empty if it refused for another reason. */
export function refusedFields(refusal: Refusal): string[] {
  if (refusal.status !== 422) return [];
  const immutable = refusal.causes.filter((cause) => immutableWords.test(cause.message));
  // A change that is wrong in itself would fail after a replacement just the same.
  return immutable.length === refusal.causes.length ? immutable.map((cause) => cause.field) : [];
}

/** The changes that call for a replacement: those below one of the paths, in either direction, or all if none is. */
export function replacements(all: readonly Change[], paths: readonly string[], refused: readonly string[]): Set<Change> {
  const below = (path: string): Change[] => all.filter((change) => isBelow(change.path, parsePath(path)));
  const result = new Set(paths.flatMap(below));
  if (refused.length === 0) return result;
  const fromServer = refused.flatMap((field) => [...below(field), ...all.filter((change) => isBelow(parsePath(field), change.path))]);
  return new Set([...result, ...(fromServer.length > 0 ? fromServer : all)]);
}

/** Reads a Status object of the API server. */
export function refusalOf(status: Json): Refusal {
  const causes = at(status, "details", "causes");
  return {
    status: Number(at(status, "code") ?? 0),
    causes: (Array.isArray(causes) ? causes : []).filter(isObject).map((cause) => ({
      field: String(cause["field"] ?? ""),
      message: String(cause["message"] ?? ""),
    })),
  };
}
