import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Binaries } from "../node/binaries.ts";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { pauseImage, renderPauseImage } from "./pause-image.ts";
import type { RegistryAccess } from "./registry.ts";

export interface ContainerRuntimeArgs {
  host: Host;
  /** The `containerd` product, on that host. */
  binaries: Binaries;
  /** The registry that images are pulled from. */
  registry: RegistryAccess;
}

/** A script that ends all containers of a node: units that are stopped leave them running. */
export const endContainers = readFileSync(join(import.meta.dirname, "end-containers.sh"), "utf8");

/** containerd with Debian's runc and CNI plugins, pulling from the stack's registry. */
export class ContainerRuntime extends pulumi.ComponentResource {
  readonly setup: HostSetup;

  constructor(name: string, { host, binaries, registry }: ContainerRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ContainerRuntime", name, {}, opts);
    const trust = `/etc/peak/containerd/certs.d/${registry.host}`;
    this.setup = new HostSetup(name, {
      host,
      packages: ["catatonit", "containernetworking-plugins", "runc", "conntrack", "nftables"],
      files: [
        { path: "/etc/peak/containerd/config.toml", content: renderContainerd() },
        { path: `${trust}/ca.crt`, content: registry.authority },
        {
          path: `${trust}/hosts.toml`,
          content: registry.password.apply((password) => renderRegistryHost({ ...registry, password }, trust)),
          mode: 0o600,
        },
        { path: "/etc/peak/containerd/make-pause-image", content: renderPauseImage(), mode: 0o755 },
      ],
      directories: ["/var/lib/containerd", "/run/containerd", "/run/nri", "/opt/containerd"],
      units: [
        {
          name: "containerd.service",
          description: "containerd, the container runtime",
          type: "notify",
          after: ["network.target"],
          environment: { PATH: `${binaries.directory}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin` },
          exec: [`${binaries.directory}/containerd`, "--config=/etc/peak/containerd/config.toml"],
          restart: "always",
          // Pods outlive a restart of containerd: their shims must not be killed with it.
          killMode: "process",
          delegate: true,
          version: binaries.digest,
        },
        {
          name: "peak-pause-image.service",
          description: "The image of pod sandboxes",
          type: "oneshot",
          after: ["containerd.service"],
          environment: { PATH: `${binaries.directory}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin` },
          exec: ["/etc/peak/containerd/make-pause-image"],
        },
      ],
      undo: endContainers,
    }, { parent: this, dependsOn: binaries });
    this.registerOutputs({});
  }
}

/** containerd's configuration. Pure. */
export function renderContainerd(): string {
  return `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"

[plugins."io.containerd.cri.v1.images"]
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "${pauseImage}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/peak/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  # A host without CAP_SYS_RESOURCE cannot lower OOM scores.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "/usr/sbin/runc"
`;
}

/** containerd's entry for the registry: its address, its authority, and the credentials that it asks of everybody. Pure. */
export function renderRegistryHost(registry: { host: string; address: string; username: string; password: string }, trust: string): string {
  const url = `https://[${registry.address}]:${registry.host.split(":")[1]}`;
  const credentials = Buffer.from(`${registry.username}:${registry.password}`).toString("base64");
  return `[host."${url}"]
  capabilities = ["pull", "resolve"]
  ca = "${trust}/ca.crt"
  [host."${url}".header]
    Authorization = "Basic ${credentials}"
`;
}
