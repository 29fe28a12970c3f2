/** Which objects are waited for, and how. */

import { annotations, isTrue } from "../annotations.ts";
import { annotation, apiVersionOf, kindOf, type KubeObject } from "../objects.ts";
import { customResourceDefinition } from "./custom-resource-definition.ts";
import { daemonSet } from "./daemon-set.ts";
import { deployment } from "./deployment.ts";
import { ingress } from "./ingress.ts";
import { job } from "./job.ts";
import { pod } from "./pod.ts";
import { service } from "./service.ts";
import { statefulSet } from "./stateful-set.ts";
import { persistentVolume, persistentVolumeClaim } from "./storage.ts";
import type { Awaiter } from "./status.ts";
import { parseWaitFor } from "./wait-for.ts";

const byType: Readonly<Record<string, Awaiter>> = {
  "apiextensions.k8s.io/v1 CustomResourceDefinition": customResourceDefinition,
  "apps/v1 DaemonSet": daemonSet,
  "apps/v1 Deployment": deployment,
  "apps/v1 StatefulSet": statefulSet,
  "batch/v1 Job": job,
  "networking.k8s.io/v1 Ingress": ingress,
  "v1 PersistentVolume": persistentVolume,
  "v1 PersistentVolumeClaim": persistentVolumeClaim,
  "v1 Pod": pod,
  "v1 Service": service,
};

/** How to wait for the object, or undefined if it is ready once it exists or the program does not want to wait. */
export function awaiterFor(object: KubeObject): Awaiter | undefined {
  if (isTrue(object, annotations.skipAwait)) return undefined;
  const waitFor = annotation(object, annotations.waitFor);
  return waitFor === undefined ? byType[`${apiVersionOf(object)} ${kindOf(object)}`] : parseWaitFor(waitFor);
}

/** Kinds for which `skipAwait` also leaves out waiting for the deletion. */
const skipDeletion = new Set([
  "apps/v1 DaemonSet",
  "apps/v1 Deployment",
  "apps/v1 StatefulSet",
  "batch/v1 Job",
  "v1 Namespace",
  "v1 Pod",
  "v1 ReplicationController",
]);

/** Whether a deletion is over only when the object is gone. */
export function awaitsDeletion(inputs: KubeObject, live: KubeObject): boolean {
  return !(isTrue(inputs, annotations.skipAwait) && skipDeletion.has(`${apiVersionOf(live)} ${kindOf(live)}`));
}

const slowToDelete = new Set(["apps/v1 DaemonSet", "apps/v1 Deployment", "apps/v1 StatefulSet"]);

/** Seconds to wait for a deletion unless the program says otherwise. */
export function deletionTimeoutSeconds(live: KubeObject): number {
  return slowToDelete.has(`${apiVersionOf(live)} ${kindOf(live)}`) ? 600 : 300;
}
