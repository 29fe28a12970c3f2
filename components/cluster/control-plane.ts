import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { Authority, Certificate, SigningKey, type Subject } from "../pki/certificate.ts";
import type { Keyring } from "../pki/generations.ts";
import type { Etcd } from "./etcd.ts";
import { renderKubeconfig } from "./kubeconfig.ts";

export interface ControlPlaneArgs {
  host: Host;
  /** The `kubernetes` product, on that host. */
  binaries: Binaries;
  etcd: Etcd;
  plan: AddressPlan;
  keys: Pick<Keyring, "kubernetes" | "tokens">;
}

const directory = "/etc/peak/kubernetes";
const local = "https://[::1]:6443";

/** The API server as a client of kubelets, and the operators of the cluster: what RBAC lets them do. */
const kubeletClient = "kube-apiserver-kubelet-client";
const operators = "peak:operators";

/** The API server, controller manager and scheduler, as systemd units of one host. */
export class ControlPlane extends pulumi.ComponentResource {
  /** Signs the certificates of everything that talks to the API server. */
  readonly authority: Authority;
  /** Where the cluster reaches the API server. */
  readonly server: string;
  readonly host: Host;
  /** The start of a command on `host` that administers the cluster. */
  readonly kubectl: string;
  /** The operator's access, a secret. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly setup: HostSetup;
  /** Exists once the operator may administer the cluster. */
  readonly ready: pulumi.Resource;
  /** See `Etcd`: where it is another one, nobody is known there any more. */
  readonly store: Etcd["store"];

  constructor(name: string, { host, binaries, etcd, plan, keys }: ControlPlaneArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ControlPlane", name, {}, opts);
    this.host = host;
    this.kubectl = `${binaries.directory}/kubectl --kubeconfig=${directory}/super-admin.kubeconfig --cache-dir=${directory}/cache`;
    this.store = etcd.store;
    this.server = `https://[${host.ula}]:6443`;
    this.authority = new Authority(`${name}-ca`, { commonName: "peak kubernetes", generations: keys.kubernetes }, { parent: this });
    const tokens = new SigningKey(`${name}-tokens`, { generations: keys.tokens }, { parent: this });
    const serving = this.certificate(`${name}-apiserver`, {
      commonName: "kube-apiserver",
      dns: ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost", host.name],
      ip: [plan.apiService, host.ula, ...(host.global === undefined ? [] : [host.global]), "::1"],
      usages: ["server"],
    });
    const asksKubelets = this.client(`${name}-kubelet-client`, kubeletClient);
    const admin = this.client(`${name}-admin`, "peak-operator", operators);
    // Passes by RBAC: it makes the bindings that the others need, and stays on the host.
    const superAdmin = this.client(`${name}-super-admin`, "peak-super-admin", "system:masters");
    this.kubeconfig = this.kubeconfigOf(admin, this.server);

    const controllers = this.client(`${name}-controller-manager`, "system:kube-controller-manager");
    const scheduler = this.client(`${name}-scheduler`, "system:kube-scheduler");
    const unit = (unitName: string, description: string, type: "notify" | "exec", flags: string[]) => ({
      name: `${unitName}.service`,
      description,
      type,
      after: ["etcd.service"],
      exec: [`${binaries.directory}/${unitName}`, ...flags],
      restart: "always" as const,
      version: binaries.digest,
    });
    const component = (file: string) => [
      "--bind-address=::1",
      "--leader-elect=false", // one instance: a lease would only write to the store every two seconds
      `--kubeconfig=${directory}/${file}.kubeconfig`,
      `--authentication-kubeconfig=${directory}/${file}.kubeconfig`,
      `--authorization-kubeconfig=${directory}/${file}.kubeconfig`,
    ];

    this.setup = new HostSetup(`${name}-${host.name}`, {
      host,
      files: [
        { path: `${directory}/ca.crt`, content: this.authority.bundle },
        { path: `${directory}/etcd-ca.crt`, content: etcd.authority.bundle },
        ...files("etcd-client", etcd.client),
        ...files("apiserver", serving),
        ...files("kubelet-client", asksKubelets),
        { path: `${directory}/tokens.pub`, content: tokens.accepted },
        { path: `${directory}/tokens.key`, content: tokens.key, mode: 0o600 },
        { path: `${directory}/controller-manager.kubeconfig`, content: this.kubeconfigOf(controllers, local), mode: 0o600 },
        { path: `${directory}/scheduler.kubeconfig`, content: this.kubeconfigOf(scheduler, local), mode: 0o600 },
        { path: `${directory}/super-admin.kubeconfig`, content: this.kubeconfigOf(superAdmin, local), mode: 0o600 },
      ],
      directories: [`${directory}/cache`, `${directory}/volume-plugins`],
      units: [
        unit("kube-apiserver", "Kubernetes API server", "notify", [
          "--bind-address=::",
          `--advertise-address=${host.ula}`,
          "--secure-port=6443",
          `--service-cluster-ip-range=${plan.services}`,
          "--authorization-mode=Node,RBAC",
          "--enable-admission-plugins=NodeRestriction",
          "--anonymous-auth=false",
          "--profiling=false",
          // When it is restarted, watches are ended at once. By default they are waited for, for a minute in which nobody is let in.
          "--shutdown-send-retry-after=true",
          `--client-ca-file=${directory}/ca.crt`,
          `--tls-cert-file=${directory}/apiserver.crt`,
          `--tls-private-key-file=${directory}/apiserver.key`,
          `--etcd-servers=${etcd.endpoint}`,
          `--etcd-cafile=${directory}/etcd-ca.crt`,
          `--etcd-certfile=${directory}/etcd-client.crt`,
          `--etcd-keyfile=${directory}/etcd-client.key`,
          `--kubelet-certificate-authority=${directory}/ca.crt`,
          `--kubelet-client-certificate=${directory}/kubelet-client.crt`,
          `--kubelet-client-key=${directory}/kubelet-client.key`,
          "--kubelet-preferred-address-types=InternalIP",
          "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
          `--service-account-key-file=${directory}/tokens.pub`,
          `--service-account-signing-key-file=${directory}/tokens.key`,
        ]),
        unit("kube-controller-manager", "Kubernetes controller manager", "exec", [
          ...component("controller-manager"),
          `--root-ca-file=${directory}/ca.crt`,
          `--service-account-private-key-file=${directory}/tokens.key`,
          "--use-service-account-credentials",
          `--flex-volume-plugin-dir=${directory}/volume-plugins`,
        ]),
        unit("kube-scheduler", "Kubernetes scheduler", "exec", component("scheduler")),
      ],
      check: {
        description: "the API server is ready, and pods are given the present authorities",
        command: `${this.kubectl} get --raw /readyz &&
          ${this.kubectl} -n kube-system get configmap kube-root-ca.crt -o 'go-template={{index .data "ca.crt"}}' | cmp - ${directory}/ca.crt`,
        seconds: 180,
      },
    }, { parent: this, dependsOn: [binaries, etcd.setup], aliases: [{ name }] });
    this.ready = new command.remote.Command(`${name}-bindings`, {
      connection: host.connection,
      create: `${this.kubectl} apply --server-side --field-manager=peak --filename=-`,
      stdin: renderBindings(),
      triggers: [etcd.store.result],
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: this.setup.done, ...(host.lifetime && { deletedWith: host.lifetime }) });
    this.registerOutputs({ server: this.server, kubeconfig: this.kubeconfig });
  }

  /** A client certificate for `user`, of Kubernetes group `group`. */
  client(name: string, user: string, group?: string): Certificate {
    return this.certificate(name, { commonName: user, ...(group !== undefined && { organization: group }), usages: ["client"] });
  }

  /** A certificate signed by the cluster's authority. */
  certificate(name: string, subject: Subject): Certificate {
    return new Certificate(name, { authority: this.authority, subject }, { parent: this });
  }

  /** A kubeconfig for the holder of a client certificate, a secret. */
  kubeconfigOf(client: Certificate, server: string): pulumi.Output<string> {
    return pulumi.secret(pulumi
      .all([this.authority.bundle, client.certificate, client.key])
      .apply(([authority, certificate, key]) => renderKubeconfig({ server, authority, certificate, key })));
  }
}

/** What those may do whose certificates name no group of Kubernetes' own; to take it from them, delete their binding. Pure. */
export function renderBindings(): string {
  const binding = (name: string, role: string, subject: object) => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
  });
  return JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [
      binding(`peak:${kubeletClient}`, "system:kubelet-api-admin", { kind: "User", name: kubeletClient }),
      binding(operators, "cluster-admin", { kind: "Group", name: operators }),
    ],
  }, undefined, 2);
}

function files(name: string, pair: Certificate) {
  return [
    { path: `${directory}/${name}.crt`, content: pair.certificate },
    { path: `${directory}/${name}.key`, content: pair.key, mode: 0o600 },
  ];
}
