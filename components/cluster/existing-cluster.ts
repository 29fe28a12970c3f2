import * as k8s from "@pulumi/kubernetes";
import type { Cluster } from "./cluster.ts";

/** A cluster that is there already: a context of the user's own kubeconfig. */
export function existingCluster(name: string, context: string): Pick<Cluster, "provider"> {
  return { provider: new k8s.Provider(name, { context }) };
}
