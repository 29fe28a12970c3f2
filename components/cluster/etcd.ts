import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { Authority, Certificate } from "../pki/certificate.ts";
import type { Generations } from "../pki/generations.ts";
import { waiting } from "../waiting.ts";

export interface EtcdArgs {
  host: Host;
  /** The `etcd` product, on that host. */
  binaries: Binaries;
  /** Of its authority. */
  generations: Generations;
}

/** The cluster's store: one etcd member that listens on loopback only, for clients with a certificate of its own authority. */
export class Etcd extends pulumi.ComponentResource {
  readonly endpoint = "https://[::1]:2379";
  /** The authority that signs etcd's certificates and its clients'. */
  readonly authority: Authority;
  /** The API server's certificate as a client. */
  readonly client: Certificate;
  readonly setup: HostSetup;
  /**
   * The store itself, as long as it has the same content: on another host, or another disk, there is another one, which is empty. What
   * is in the cluster ends with it.
   */
  readonly store: random.RandomUuid;

  constructor(name: string, { host, binaries, generations }: EtcdArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:cluster:Etcd", name, {}, own);
    this.authority = new Authority(`${name}-ca`, { commonName: "peak etcd", generations }, { parent: this });
    const server = new Certificate(`${name}-server`, {
      authority: this.authority,
      subject: { commonName: "etcd", dns: ["localhost"], ip: ["::1"], usages: ["server", "client"] },
    }, { parent: this });
    this.client = new Certificate(`${name}-client`, {
      authority: this.authority,
      subject: { commonName: "kube-apiserver", usages: ["client"] },
    }, { parent: this });

    const directory = "/etc/peak/etcd";
    this.setup = new HostSetup(`${name}-${host.name}`, {
      host,
      files: [
        { path: `${directory}/ca.crt`, content: this.authority.bundle },
        { path: `${directory}/server.crt`, content: server.certificate },
        { path: `${directory}/server.key`, content: server.key, mode: 0o600 },
      ],
      directories: ["/var/lib/etcd"],
      units: [{
        name: "etcd.service",
        description: "etcd, the store of the Kubernetes API",
        type: "notify",
        exec: [
          `${binaries.directory}/etcd`,
          "--name=peak",
          "--data-dir=/var/lib/etcd",
          `--listen-client-urls=${this.endpoint}`,
          `--advertise-client-urls=${this.endpoint}`,
          "--listen-peer-urls=http://[::1]:2380",
          "--initial-advertise-peer-urls=http://[::1]:2380",
          "--initial-cluster=peak=http://[::1]:2380",
          `--cert-file=${directory}/server.crt`,
          `--key-file=${directory}/server.key`,
          `--trusted-ca-file=${directory}/ca.crt`,
          "--client-cert-auth",
        ],
        restart: "always",
        version: binaries.digest,
      }],
    }, { parent: this, dependsOn: [binaries, ...dependsOn], aliases: [{ name }] });
    this.store = new random.RandomUuid(`${name}-store`, { keepers: { host: host.name, incarnation: host.incarnation } }, { parent: this, dependsOn });
    this.registerOutputs({ endpoint: this.endpoint });
  }
}
