import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { DestinationSpec } from "../../programs/images/spec.ts";
import { which } from "../../shell/which.ts";
import type { ClusterAccess } from "./cluster.ts";
import { limitsOf, lookInto, type ExistingFacts } from "./kube-context.ts";

export interface ExistingClusterArgs {
  /** A context of the operator's own kubeconfig. */
  context: string;
  /** Where its nodes pull images from, over plain HTTP; undefined where images are loaded into minikube's nodes. */
  imageRegistry: string | undefined;
  facts: ExistingFacts;
}

/** A cluster that is there already, e.g. minikube. */
export class ExistingCluster extends pulumi.ComponentResource implements ClusterAccess {
  readonly provider: k8s.Provider;
  readonly kubeconfig = undefined;
  readonly images: DestinationSpec;
  readonly imagesReady = [];
  readonly trust = pulumi.output("");
  readonly certificates = pulumi.output([]);
  readonly imageStore = undefined;
  readonly lifetime = undefined;

  constructor(name: string, { context, imageRegistry, facts }: ExistingClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ExistingCluster", name, {}, opts);
    const { nodes } = facts;
    this.images = imageRegistry === undefined
      ? { kind: "minikube", profile: context, nodes }
      : { kind: "plain-registry", host: imageRegistry, nodes };
    for (const limit of limitsOf(context, facts)) pulumi.log.warn(limit, this);
    this.provider = new k8s.Provider(name, {
      context,
      clusterIdentifier: context,
      // Not undefined itself: the SDK would put KUBECONFIG in its place, and with it a path of this machine into the state.
      kubeconfig: pulumi.output(undefined) as unknown as pulumi.Output<string>,
    }, { parent: this });
    this.registerOutputs({});
  }
}

/**
 * What is to be known of the cluster of a context before anything is made.
 * @throws pulumi.RunError, with place and remedy, when it is not there, or images have no way to it
 */
export async function findCluster(context: string, imageRegistry: string | undefined): Promise<ExistingFacts> {
  const facts = await lookInto(context).catch((error: Error) => {
    throw new pulumi.RunError(error.message);
  });
  if (imageRegistry !== undefined) return facts;
  if (!facts.minikube) {
    throw new pulumi.RunError(
      `the cluster of the context ${context} is none of minikube's: set peak:imageRegistry to a registry that its nodes pull from`,
    );
  }
  if (which("minikube") === undefined) {
    throw new pulumi.RunError("minikube is not on PATH, and loads images into its nodes: install it, " +
      "or set peak:imageRegistry to a registry that they pull from");
  }
  return facts;
}
