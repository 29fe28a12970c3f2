import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { versions } from "./versions.ts";

/** Architectures of the nodes, in the words of Go and Debian. */
export const arches = ["amd64", "arm64"] as const;
export type Arch = (typeof arches)[number];

/** Of this machine. */
export const hostArch: Arch = process.arch === "arm64" ? "arm64" : "amd64";

/** A file that the publisher offers for download. */
export interface Asset {
  url: string;
  /** URL of the publisher's checksum file: SHA-256 or SHA-512, one line per file or a lone digest. */
  checksums: string;
  /** Binaries it brings: in a .tar.gz or .tgz those of these names, wherever they are inside; otherwise the one that the file itself is. */
  binaries: readonly string[];
}

/** A Go main package and the file it becomes. */
export interface Program {
  package: string;
  file: string;
  /** Names that are symlinks to the file. */
  links?: readonly string[];
}

/** What can be built from pinned modules. */
export interface Buildable {
  name: string;
  /** Pinned in toolchain/versions.ts, without a "v". */
  version: string;
  /** Directory of its go.mod. */
  module: string;
  build: { programs: readonly Program[]; tags?: readonly string[]; variables?: Readonly<Record<string, string>> };
}

/** Something that Peak runs and that other people publish. */
export interface Product extends Buildable {
  /** All that `bin/` must have. */
  binaries: readonly string[];
  /** Arguments that make a binary print its version. */
  versionArgs: (binary: string) => readonly string[];
  /** What a version found on PATH must share with the pinned one, of which it may not be older. */
  compatible: "major" | "minor";
  download: (arch: Arch) => readonly Asset[];
}

const kubernetesNames = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"] as const;
const containerdNames = ["containerd", "containerd-shim-runc-v2", "ctr"] as const;

const engine: Product = {
  name: "engine",
  version: versions.pulumi,
  binaries: ["pulumi"],
  versionArgs: () => ["version"],
  compatible: "major",
  download: (arch) => {
    const release = `https://github.com/pulumi/pulumi/releases/download/v${versions.pulumi}`;
    const file = `pulumi-v${versions.pulumi}-linux-${arch === "amd64" ? "x64" : arch}.tar.gz`;
    return [{ url: `${release}/${file}`, checksums: `${release}/pulumi-${versions.pulumi}-checksums.txt`, binaries: ["pulumi"] }];
  },
  module: join(import.meta.dirname, "engine"),
  build: {
    programs: [{ package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", file: "pulumi" }],
    variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${versions.pulumi}` },
  },
};

const kubernetes: Product = {
  name: "kubernetes",
  version: versions.kubernetes,
  binaries: kubernetesNames,
  versionArgs: (binary) => (binary === "kubectl" ? ["version", "--client"] : ["--version"]),
  compatible: "minor",
  download: (arch) =>
    kubernetesNames.map((name) => {
      const url = `https://dl.k8s.io/release/v${versions.kubernetes}/bin/linux/${arch}/${name}`;
      return { url, checksums: `${url}.sha256`, binaries: [name] };
    }),
  module: join(import.meta.dirname, "kubernetes"),
  build: {
    programs: [{ package: ".", file: "kubernetes", links: kubernetesNames }],
    variables: kubernetesVersion(versions.kubernetes),
  },
};

const containerd: Product = {
  name: "containerd",
  version: versions.containerd,
  binaries: containerdNames,
  versionArgs: (binary) => (binary === "containerd-shim-runc-v2" ? ["-v"] : ["--version"]),
  compatible: "major",
  download: (arch) => {
    // The static one: nodes may have an older libc than the publisher's builder.
    const file = `containerd-static-${versions.containerd}-linux-${arch}.tar.gz`;
    const url = `https://github.com/containerd/containerd/releases/download/v${versions.containerd}/${file}`;
    return [{ url, checksums: `${url}.sha256sum`, binaries: containerdNames }];
  },
  module: join(import.meta.dirname, "containerd"),
  build: {
    programs: containerdNames.map((file) => ({ package: `github.com/containerd/containerd/v2/cmd/${file}`, file })),
    tags: ["no_btrfs", "no_devmapper", "no_zfs"],
    variables: { "github.com/containerd/containerd/v2/version.Version": versions.containerd },
  },
};

const etcd: Product = {
  name: "etcd",
  version: versions.etcd,
  binaries: ["etcd", "etcdctl"],
  versionArgs: (binary) => (binary === "etcdctl" ? ["version"] : ["--version"]),
  compatible: "major",
  download: (arch) => {
    const release = `https://github.com/etcd-io/etcd/releases/download/v${versions.etcd}`;
    const url = `${release}/etcd-v${versions.etcd}-linux-${arch}.tar.gz`;
    return [{ url, checksums: `${release}/SHA256SUMS`, binaries: ["etcd", "etcdctl"] }];
  },
  module: join(import.meta.dirname, "etcd"),
  build: {
    programs: [
      { package: "go.etcd.io/etcd/server/v3", file: "etcd" },
      { package: "go.etcd.io/etcd/etcdctl/v3", file: "etcdctl" },
    ],
  },
};

const coredns: Product = {
  name: "coredns",
  version: versions.coredns,
  binaries: ["coredns"],
  versionArgs: () => ["-version"],
  compatible: "major",
  download: (arch) => {
    const file = `coredns_${versions.coredns}_linux_${arch}.tgz`;
    const url = `https://github.com/coredns/coredns/releases/download/v${versions.coredns}/${file}`;
    return [{ url, checksums: `${url}.sha256`, binaries: ["coredns"] }];
  },
  module: join(import.meta.dirname, "coredns"),
  build: { programs: [{ package: ".", file: "coredns" }] },
};

const prometheus: Product = {
  name: "prometheus",
  version: versions.prometheus,
  binaries: ["prometheus"],
  versionArgs: () => ["--version"],
  compatible: "major",
  download: (arch) => {
    const release = `https://github.com/prometheus/prometheus/releases/download/v${versions.prometheus}`;
    const url = `${release}/prometheus-${versions.prometheus}.linux-${arch}.tar.gz`;
    return [{ url, checksums: `${release}/sha256sums.txt`, binaries: ["prometheus"] }];
  },
  module: join(import.meta.dirname, "prometheus"),
  build: {
    programs: [{ package: "github.com/prometheus/prometheus/cmd/prometheus", file: "prometheus" }],
    // Of the ways to find targets, the one that is used: the clients of all clouds would be most of the build.
    tags: ["netgo", "remove_all_sd", "enable_kubernetes_sd"],
    variables: { "github.com/prometheus/common/version.Version": versions.prometheus },
  },
};

export const productNames = ["engine", "kubernetes", "containerd", "etcd", "coredns", "prometheus"] as const;
export type ProductName = (typeof productNames)[number];
export const products: Readonly<Record<ProductName, Product>> = { engine, kubernetes, containerd, etcd, coredns, prometheus };

export function isProductName(name: string): name is ProductName {
  return productNames.some((known) => known === name);
}

/** Changes with whatever a product is made from: version, architecture, module files, flags. Not with the version of Go. */
export function productKey(name: ProductName, arch: Arch): string {
  return keyOf(products[name], arch);
}

/** `productKey` for a product that need not be in the table. */
export function keyOf({ name, version, module, build }: Buildable, arch: Arch): string {
  const hash = createHash("sha256").update(JSON.stringify(build));
  for (const file of readdirSync(module).filter((file) => /\.(go|mod|sum)$/.test(file)).sort()) {
    hash.update(`${file}\0${readFileSync(join(module, file), "utf8")}\0`);
  }
  return `${name}-${version}-${arch}-${hash.digest("hex").slice(0, 12)}`;
}

/** Resource plugins of the engine that Peak uses. */
export const pluginNames = ["kubernetes", "command", "random", "tls"] as const;
export type PluginName = (typeof pluginNames)[number];

export function pluginBinary(name: PluginName): string {
  return `pulumi-resource-${name}`;
}

export function pluginAsset(name: PluginName, version: string, arch: Arch): Asset {
  const release = `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}`;
  return {
    url: `${release}/${pluginBinary(name)}-v${version}-linux-${arch}.tar.gz`,
    checksums: `${release}/pulumi-${name}_${version}_checksums.txt`,
    binaries: [pluginBinary(name)],
  };
}

/** Kubernetes learns its version from the linker alone; kubelet and API server compare theirs, so it must be true. */
function kubernetesVersion(version: string): Record<string, string> {
  const [major = "", minor = ""] = version.split(".");
  const variable = (name: string): string => `k8s.io/component-base/version.${name}`;
  return {
    [variable("gitVersion")]: `v${version}`,
    [variable("gitMajor")]: major,
    [variable("gitMinor")]: minor,
    [variable("gitTreeState")]: "clean",
  };
}
