import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { NodeNetwork } from "../network/node-network.ts";
import type { AddressPlan } from "../network/delegation.ts";
import { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { ToolchainProduct } from "../node/toolchain-product.ts";
import { ContainerRuntime } from "./container-runtime.ts";
import { ControlPlane } from "./control-plane.ts";
import { Etcd } from "./etcd.ts";
import { Registry, type RegistryAccess } from "./registry.ts";
import { Worker } from "./worker.ts";

export interface ClusterArgs {
  /** The hosts that become nodes; the first with the role `steering` becomes the control plane. */
  hosts: Host[];
  plan: AddressPlan;
}

/** An IPv6-only Kubernetes cluster on hosts: native routing between the nodes' own prefixes, no overlay, no NAT. */
export class Cluster extends pulumi.ComponentResource {
  readonly kubeconfig: pulumi.Output<string>;
  /** For resources inside the cluster; usable once the nodes have joined. */
  readonly provider: k8s.Provider;
  readonly registry: RegistryAccess;

  constructor(name: string, { hosts, plan }: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:Cluster", name, {}, opts);
    const first = hosts.find((host) => host.role === "steering");
    if (!first) throw new Error(`${name} needs a steering host for its control plane`);
    const { arch } = first;
    const product = (product: "kubernetes" | "containerd" | "etcd") => new ToolchainProduct(`${name}-${product}`, { product, arch }, { parent: this });
    const kubernetes = product("kubernetes");
    const containerd = product("containerd");
    const on = (host: Host, product: ToolchainProduct, label: string) =>
      new Binaries(`${name}-${host.name}-${label}`, { host, product }, { parent: this });

    const registry = new Registry(`${name}-registry`, { host: first }, { parent: this });
    const etcd = new Etcd(`${name}-etcd`, { host: first, binaries: on(first, product("etcd"), "etcd") }, { parent: this });
    const firstBinaries = on(first, kubernetes, "kubernetes");
    const controlPlane = new ControlPlane(`${name}-control-plane`, { host: first, binaries: firstBinaries, etcd, plan }, { parent: this });

    const workers = hosts.map((host) => {
      const worker = `${name}-${host.name}`;
      const peers = hosts.filter((other) => other !== host).map((other) => plan.node(other.number));
      new NodeNetwork(`${worker}-network`, { host, own: plan.node(host.number), peers }, { parent: this });
      const runtime = new ContainerRuntime(`${worker}-containerd`, {
        host, binaries: on(host, containerd, "containerd"), registry: registry.access,
      }, { parent: this });
      const binaries = host === first ? firstBinaries : on(host, kubernetes, "kubernetes");
      return new Worker(`${worker}-worker`, { host, binaries, runtime, controlPlane, plan }, { parent: this });
    });

    this.kubeconfig = controlPlane.kubeconfig;
    this.registry = registry.access;
    this.provider = new k8s.Provider(name, { kubeconfig: this.kubeconfig }, { parent: this, dependsOn: workers.map((worker) => worker.setup) });
    this.registerOutputs({ kubeconfig: this.kubeconfig });
  }
}
