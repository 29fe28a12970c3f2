import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { waiting } from "../waiting.ts";
import { endContainers, type ContainerRuntime } from "./container-runtime.ts";
import type { ControlPlane } from "./control-plane.ts";
import { renderJoin, renderLeave, roleKey, taintsOf } from "./membership.ts";

export interface WorkerArgs {
  host: Host;
  /** The `kubernetes` product, on that host. */
  binaries: Binaries;
  runtime: ContainerRuntime;
  controlPlane: ControlPlane;
  plan: AddressPlan;
}

const directory = "/etc/peak/worker";

/** How long the pods of a node that is removed may take to go elsewhere, in seconds. Ours serve on for 75 s when they are withdrawn. */
const drainSeconds = 300;

/** What makes a host a node of the cluster: kubelet and kube-proxy. */
export class Worker extends pulumi.ComponentResource {
  constructor(name: string, { host, binaries, runtime, controlPlane, plan }: WorkerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:cluster:Worker", name, {}, own);
    const identity = controlPlane.client(`${name}-kubelet`, `system:node:${host.name}`, "system:nodes");
    const serving = controlPlane.certificate(`${name}-kubelet-server`, {
      commonName: `system:node:${host.name}`,
      organization: "system:nodes",
      dns: [host.name],
      ip: [host.ula],
      usages: ["server"],
    });
    const proxy = controlPlane.client(`${name}-proxy`, "system:kube-proxy");

    const setup = new HostSetup(name, {
      host,
      files: [
        { path: `${directory}/ca.crt`, content: controlPlane.authority.bundle },
        { path: `${directory}/kubelet.crt`, content: serving.certificate },
        { path: `${directory}/kubelet.key`, content: serving.key, mode: 0o600 },
        { path: `${directory}/kubelet.kubeconfig`, content: controlPlane.kubeconfigOf(identity, controlPlane.server), mode: 0o600 },
        { path: `${directory}/proxy.kubeconfig`, content: controlPlane.kubeconfigOf(proxy, controlPlane.server), mode: 0o600 },
        { path: `${directory}/kubelet.json`, content: renderKubelet(host, plan) },
        { path: `${directory}/proxy.json`, content: renderProxy(host) },
      ],
      directories: ["/var/lib/kubelet", "/var/log/pods", "/var/log/containers"],
      // What kubelet sets by itself: named here, so that it is put back.
      sysctls: {
        "vm.overcommit_memory": "1",
        "vm.panic_on_oom": "0",
        "kernel.panic": "10",
        "kernel.panic_on_oops": "1",
        "kernel.keys.root_maxkeys": "1000000",
        "kernel.keys.root_maxbytes": "25000000",
      },
      undo: renderWorkerUndo(),
      units: [
        {
          name: "kubelet.service",
          description: "Kubernetes node agent",
          type: "notify",
          after: ["containerd.service", "peak-network.service"],
          exec: [
            `${binaries.directory}/kubelet`,
            `--config=${directory}/kubelet.json`,
            `--kubeconfig=${directory}/kubelet.kubeconfig`,
            `--hostname-override=${host.name}`,
            `--node-ip=${host.ula}`,
            `--node-labels=${roleKey}=${host.role}`,
          ],
          restart: "always",
          // A kubelet makes itself known at its start.
          version: pulumi.interpolate`${binaries.digest} ${controlPlane.store.result}`,
        },
        {
          name: "kube-proxy.service",
          description: "Kubernetes Service addresses, by nftables",
          type: "exec",
          exec: [`${binaries.directory}/kube-proxy`, `--config=${directory}/proxy.json`],
          restart: "always",
          version: binaries.digest,
        },
      ],
    }, { parent: this, dependsOn: [binaries, runtime.setup, controlPlane.setup, ...dependsOn] });

    // While this exists, the host is a node with the label and the taint of its role. Taken back before the set-up is: pods move while the
    // kubelet still runs.
    const { kubectl } = controlPlane;
    new command.remote.Command(`${name}-membership`, {
      connection: controlPlane.host.connection,
      create: controlPlane.store.result.apply((store) => renderJoin(kubectl, host, store)),
      delete: renderLeave(kubectl, host.name, drainSeconds),
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: setup, deletedWith: controlPlane.store });
    this.registerOutputs({});
  }
}

/** The kubelet's configuration. Pure. */
export function renderKubelet(host: Pick<Host, "name" | "role">, plan: Pick<AddressPlan, "clusterDns">): string {
  return JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: `${directory}/ca.crt` } },
    authorization: { mode: "Webhook" },
    tlsCertFile: `${directory}/kubelet.crt`,
    tlsPrivateKeyFile: `${directory}/kubelet.key`,
    healthzBindAddress: "::1",
    // kube-proxy needs none of its chains, and nobody would take them back.
    makeIPTablesUtilChains: false,
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    clusterDNS: [plan.clusterDns],
    clusterDomain: "cluster.local",
    resolvConf: "/etc/resolv.conf",
    registerWithTaints: taintsOf(host.role),
    // Somebody waits for what crashed several times, too: by default for up to five minutes.
    crashLoopBackOff: { maxContainerRestartPeriod: "10s" },
    // What a virtual Pi on cgroup v1 cannot do: tiers of service, and a cgroup that holds all pods.
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    // Virtual Pis share the host's disk and memory: what fills them is seldom a pod.
    evictionHard: { "memory.available": "100Mi" },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  }, undefined, 2);
}

/** What takes back what kubelet and kube-proxy leave when they stop: pods and Service addresses. Pure. */
function renderWorkerUndo(): string {
  return `${endContainers}
for family in ip ip6; do
  if nft list table $family kube-proxy > /dev/null 2>&1; then nft delete table $family kube-proxy; fi
done
`;
}

/** kube-proxy's configuration. Pure. */
export function renderProxy(host: Pick<Host, "name">): string {
  return JSON.stringify({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    bindAddress: "::",
    hostnameOverride: host.name,
    clientConnection: { kubeconfig: `${directory}/proxy.kubeconfig` },
    detectLocalMode: "BridgeInterface",
    detectLocal: { bridgeInterface: "cni0" },
    // The kernel's own limits and times stay as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    healthzBindAddress: "[::1]:10256",
    metricsBindAddress: "[::1]:10249",
  }, undefined, 2);
}
