import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { ProductName } from "../../toolchain/products.ts";
import { Image, type ImageArgs } from "../images/image.ts";
import type { AddressPlan } from "../../addressing/delegation.ts";
import { NodeNetwork } from "../network/node-network.ts";
import { Resolver } from "../network/resolver.ts";
import type { RootServer } from "../node/unbound.ts";
import { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { ToolchainProduct } from "../node/toolchain-product.ts";
import { ClusterDns } from "./cluster-dns.ts";
import { ContainerRuntime } from "./container-runtime.ts";
import { ControlPlane } from "./control-plane.ts";
import { Etcd } from "./etcd.ts";
import { endsWith } from "../lifetime.ts";
import { ownFields } from "../kubernetes/field-manager.ts";
import type { Ending } from "../pki/certificate.ts";
import type { Keyring } from "../pki/generations.ts";
import { Registry } from "./registry.ts";
import { Worker } from "./worker.ts";

export interface ClusterArgs {
  /** The hosts that become nodes; the first with the role `steering` becomes the control plane. */
  hosts: Host[];
  plan: AddressPlan;
  /** The zone whose names lead to pods, with its final dot. */
  zone: string;
  /** The zone's root servers. */
  rootServers: RootServer[];
  /** What CoreDNS's image is built on. */
  base: ImageArgs["base"];
  keys: Keyring;
}

/** What the stack needs to know of a cluster, however it came into being. */
export interface ClusterAccess {
  /** For resources inside the cluster: pods wait for nodes there, so that a node that cannot join is in nobody's way. */
  readonly provider: k8s.Provider;
  /** The operator's access, a secret; undefined where it is in the operator's own kubeconfig. */
  readonly kubeconfig: pulumi.Output<string> | undefined;
  /** Where images go so that the cluster has them. */
  readonly images: ImageArgs["destination"];
  /** Once these exist, images can go there. */
  readonly imagesReady: pulumi.Resource[];
  /** Another text when other authorities are to be trusted: an annotation of pods that read their certificates once, when they start. */
  readonly trust: pulumi.Output<string>;
  /** When the certificates end that the stack has made for the cluster. */
  readonly certificates: pulumi.Output<Ending[]>;
  /** Changes when the images are lost; undefined where that is not known. */
  readonly imageStore: pulumi.Output<string> | undefined;
  /** What is in the cluster ends with it; undefined for a cluster that was there before. */
  readonly lifetime: pulumi.Resource | undefined;
}

/** An IPv6-only Kubernetes cluster on hosts: native routing between the nodes' own prefixes, no overlay, no NAT. */
export class Cluster extends pulumi.ComponentResource implements ClusterAccess {
  readonly kubeconfig: pulumi.Output<string>;
  readonly provider: k8s.Provider;
  readonly images: ImageArgs["destination"];
  readonly imagesReady: pulumi.Resource[];
  readonly trust: pulumi.Output<string>;
  readonly certificates: pulumi.Output<Ending[]>;
  readonly imageStore: pulumi.Output<string>;
  readonly lifetime: pulumi.Resource;

  constructor(name: string, { hosts, plan, zone, rootServers, base, keys }: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:Cluster", name, {}, opts);
    const first = hosts.find((host) => host.role === "steering");
    if (!first) throw new Error(`${name} needs a steering host for its control plane`);
    const { arch } = first;
    const product = (product: ProductName) => new ToolchainProduct(`${name}-${product}`, { product, arch }, { parent: this });
    const kubernetes = product("kubernetes");
    const containerd = product("containerd");
    const on = (host: Host, product: ToolchainProduct, label: string) =>
      new Binaries(`${name}-${host.name}-${label}`, { host, product }, { parent: this });

    // On another host the cluster begins empty. Where that is not let go of, nothing moves there.
    const place = new random.RandomUuid(`${name}-place`, { keepers: { host: first.name } }, { parent: this, protect: true });
    const there = { parent: this, dependsOn: place };
    const registry = new Registry(`${name}-registry`, { host: first, generations: keys.registry }, there);
    const etcd = new Etcd(`${name}-etcd`, { host: first, binaries: on(first, product("etcd"), "etcd"), generations: keys.etcd }, there);
    const firstBinaries = on(first, kubernetes, "kubernetes");
    const controlPlane = new ControlPlane(`${name}-control-plane`, { host: first, binaries: firstBinaries, etcd, plan, keys }, { parent: this });

    for (const host of hosts) {
      const worker = `${name}-${host.name}`;
      const peers = hosts.filter((other) => other !== host).map((other) => plan.node(other.number));
      const network = new NodeNetwork(`${worker}-network`, { host, own: plan.node(host.number), peers }, { parent: this });
      const runtime = new ContainerRuntime(`${worker}-containerd`, {
        host, binaries: on(host, containerd, "containerd"), registry: registry.access,
      }, { parent: this });
      const binaries = host === first ? firstBinaries : on(host, kubernetes, "kubernetes");
      new Worker(`${worker}-worker`, { host, binaries, runtime, controlPlane, plan }, { parent: this, dependsOn: network });
    }

    this.kubeconfig = controlPlane.kubeconfig;
    this.trust = controlPlane.authority.bundle.apply((bundle) => createHash("sha256").update(bundle).digest("hex").slice(0, 16));
    this.certificates = pulumi.all([controlPlane, etcd, registry].flatMap(({ authority }) => authority.endings));
    this.images = pulumi.output({ kind: "registry" as const, ...registry.access });
    this.imagesReady = [registry.setup];
    this.imageStore = registry.store;
    this.lifetime = etcd.store;
    this.provider = new k8s.Provider(name, {
      kubeconfig: this.kubeconfig,
      // With a new authority or address it is the same cluster, whose objects are not to be replaced; with another store it is not.
      clusterIdentifier: pulumi.interpolate`${pulumi.getStack()}/${name}/${etcd.store.result}`,
      // It does not wait for the workers: a node that cannot join is in nobody's way.
    }, { parent: this, dependsOn: controlPlane.ready });

    const coredns = product("coredns");
    const image = new Image(`${name}-coredns`, {
      name: "coredns",
      source: { folder: "components/cluster/coredns" },
      arch,
      base,
      files: [{ product: coredns, binary: "coredns" }],
      destination: this.images,
      store: registry.store,
    }, { parent: this, dependsOn: this.imagesReady });
    const resolver = new Resolver(`${name}-resolver`, { host: first, zone, servers: rootServers, allow: [plan.ula] }, { parent: this });
    new ClusterDns(`${name}-dns`, {
      image: image.ref, address: plan.clusterDns, zone, resolver: `[${resolver.address}]:${resolver.port}`, trust: this.trust,
    }, {
      parent: this,
      provider: this.provider,
      transformations: [ownFields, endsWith(this.lifetime)],
    });
    this.registerOutputs({ kubeconfig: this.kubeconfig });
  }
}
