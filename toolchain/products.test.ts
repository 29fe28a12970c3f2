import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { versions } from "./versions.ts";
import { arches, isProductName, pluginAsset, productKey, productNames, products } from "./products.ts";

const goMod = (name: string): string => readFileSync(join(import.meta.dirname, name, "go.mod"), "utf8");

/** The version of a module that go.mod requires. Go calls the modules of tools indirect. */
function required(mod: string, module: string): string | undefined {
  return new RegExp(`^(?:require )?\\s*${module} v(\\S+)(?: // indirect)?$`, "m").exec(mod)?.[1];
}

describe("go.mod files agree with toolchain/versions.ts:", () => {
  it.each([
    ["engine", "github.com/pulumi/pulumi/pkg/v3", versions.pulumi],
    ["kubernetes", "k8s.io/kubernetes", versions.kubernetes],
    ["containerd", "github.com/containerd/containerd/v2", versions.containerd],
    ["etcd", "go.etcd.io/etcd/server/v3", versions.etcd],
    ["etcd", "go.etcd.io/etcd/etcdctl/v3", versions.etcd],
    ["coredns", "github.com/coredns/coredns", versions.coredns],
    ["prometheus", "github.com/prometheus/prometheus", versions.prometheus.replace(/^3\.(\d+)/, "0.3$1")],
    ["../test/interop/dns-clients", "sigs.k8s.io/external-dns", versions.externalDns],
    ["../test/interop/dns-clients", "github.com/cert-manager/cert-manager", versions.certManager],
  ])("%s, %s", (name, module, version) => expect(required(goMod(name), module)).toBe(version));

  it("kubernetes, every staging module", () => {
    const staging = [...goMod("kubernetes").matchAll(/^\t(k8s\.io\/\S+) => (\S+) v(\S+)$/gm)];
    expect(staging.length).toBeGreaterThan(30);
    for (const [, from, to, version] of staging) {
      expect([to, version]).toEqual([from, versions.kubernetes.replace(/^1/, "0")]);
    }
  });

  it("the engine and its SDK", () => {
    const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
    expect(manifest).toMatchObject({ dependencies: { "@pulumi/pulumi": versions.pulumi } });
  });
});

describe.each(productNames)("%s", (name) => {
  const product = products[name];

  it("has its own name", () => expect(product.name).toBe(name));

  it.each(arches)("gets each binary from one download, over https (%s)", (arch) => {
    const assets = product.download(arch);
    expect(assets.flatMap((asset) => asset.binaries).sort()).toEqual([...product.binaries].sort());
    for (const { url, checksums } of assets) {
      expect(new URL(url).protocol).toBe("https:");
      expect(new URL(checksums).protocol).toBe("https:");
      expect(url).toContain(product.version);
    }
  });

  it("builds each binary", () => {
    const built = product.build.programs.flatMap((program) => program.links ?? [program.file]);
    expect([...built].sort()).toEqual([...product.binaries].sort());
  });

  it("has a key for each architecture", () => {
    expect(productKey(name, "arm64")).toMatch(new RegExp(`^${name}-[0-9.]+-arm64-[0-9a-f]{12}$`));
    expect(productKey(name, "arm64")).not.toBe(productKey(name, "amd64"));
  });
});

it("knows product names", () => {
  expect(isProductName("etcd")).toBe(true);
  expect(isProductName("toString")).toBe(false);
});

it("names a plugin's release", () => {
  expect(pluginAsset("random", "4.21.2", "arm64")).toEqual({
    url: "https://github.com/pulumi/pulumi-random/releases/download/v4.21.2/pulumi-resource-random-v4.21.2-linux-arm64.tar.gz",
    checksums: "https://github.com/pulumi/pulumi-random/releases/download/v4.21.2/pulumi-random_4.21.2_checksums.txt",
    binaries: ["pulumi-resource-random"],
  });
});
