import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ImageArgs } from "../images/image.ts";
import type { ClusterAccess } from "./cluster.ts";

export interface ExistingClusterArgs {
  /** A context of the operator's own kubeconfig. */
  context: string;
}

/** A cluster that is there already, e.g. minikube with its registry addon. */
export class ExistingCluster extends pulumi.ComponentResource implements ClusterAccess {
  readonly provider: k8s.Provider;
  readonly kubeconfig = undefined;
  readonly images: ImageArgs["destination"];
  readonly imagesReady = [];
  readonly trust = pulumi.output("");
  readonly certificates = pulumi.output([]);
  readonly imageStore = undefined;
  readonly lifetime = undefined;
  readonly isBlank = false;

  constructor(name: string, { context }: ExistingClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ExistingCluster", name, {}, opts);
    this.images = { kind: "minikube", profile: context, nodes: [] };
    this.provider = new k8s.Provider(name, { context, clusterIdentifier: context }, { parent: this });
    this.registerOutputs({});
  }
}
