import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "./cluster.ts";
import type { RegistryAccess } from "./registry.ts";

export interface ExistingClusterArgs {
  /** A context of the operator's own kubeconfig. */
  context: string;
}

/** A cluster that is there already, e.g. minikube with its registry addon. */
export class ExistingCluster extends pulumi.ComponentResource implements ClusterAccess {
  readonly provider: k8s.Provider;
  readonly kubeconfig = undefined;
  readonly registryReady = [];
  readonly trust = pulumi.output("");
  readonly certificates = pulumi.output([]);
  /** The registry addon of minikube, forwarded to this machine. */
  readonly registry: RegistryAccess = {
    host: "localhost:5000",
    address: "127.0.0.1",
    authority: pulumi.output(""),
    username: "",
    password: pulumi.output(""),
  };

  constructor(name: string, { context }: ExistingClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ExistingCluster", name, {}, opts);
    this.provider = new k8s.Provider(name, { context, clusterIdentifier: context }, { parent: this });
    this.registerOutputs({});
  }
}
