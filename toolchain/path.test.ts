import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { findOnPath, isNewEnough, parseVersion } from "./path.ts";
import { type Arch, type Product, hostArch } from "./products.ts";
import { temporary } from "./testing.ts";

const other: Arch = hostArch === "arm64" ? "amd64" : "arm64";

/** Node is the one program that is sure to be here: an ELF file that tells its version. */
function product(binaries: string[], version = process.versions.node): Product {
  const build = { programs: [] };
  return { name: "tool", version, binaries, versionArgs: () => ["--version"], compatible: "major", download: () => [], module: "/", build };
}

async function directory(binaries: string[]): Promise<string> {
  const dir = join(temporary(), "bin");
  await mkdir(dir);
  for (const binary of binaries) await symlink(process.execPath, join(dir, binary));
  vi.stubEnv("PATH", `/does/not/exist:${dir}`);
  return dir;
}

describe("findOnPath", () => {
  it("finds all binaries and their version", async () => {
    await directory(["one", "two"]);
    const found = await findOnPath(product(["one", "two"]), hostArch);
    expect(found).toEqual({ version: process.versions.node, files: new Map([["one", process.execPath], ["two", process.execPath]]) });
  });

  it("finds nothing when one is missing", async () => {
    await directory(["one"]);
    expect(await findOnPath(product(["one", "two"]), hostArch)).toBeUndefined();
  });

  it("finds nothing that is too old", async () => {
    await directory(["one"]);
    expect(await findOnPath(product(["one"], `${process.versions.node.split(".")[0]}.999.0`), hostArch)).toBeUndefined();
  });

  it("finds nothing for another architecture", async () => {
    await directory(["one"]);
    expect(await findOnPath(product(["one"]), other)).toBeUndefined();
  });

  it("does not take a script for a program", async () => {
    const dir = await directory([]);
    await writeFile(join(dir, "one"), `#!/bin/sh\necho ${process.versions.node}\n`);
    await chmod(join(dir, "one"), 0o755);
    expect(await findOnPath(product(["one"]), hostArch)).toBeUndefined();
  });
});

describe("parseVersion", () => {
  it.each([
    ["v3.246.0", [3, 246, 0]],
    ["Kubernetes v1.36.3", [1, 36, 3]],
    ["Client Version: v1.36.3\nKustomize Version: v5.8.1", [1, 36, 3]],
    ["etcd Version: 3.7.3\nGit SHA: 1234567\nGo Version: go1.26.8", [3, 7, 3]],
    ["containerd github.com/containerd/containerd/v2 2.4.2 ", [2, 4, 2]],
    ["containerd-shim-runc-v2:\n  Version:  2.4.2\n", [2, 4, 2]],
    ["CoreDNS-1.15.0\nlinux/amd64, go1.26.8, ", [1, 15, 0]],
    ["usage: tool", undefined],
  ])("of %j is %s", (text, version) => expect(parseVersion(text)).toEqual(version));
});

describe("isNewEnough", () => {
  it.each([
    ["major", [3, 7, 3], true],
    ["major", [3, 7, 4], true],
    ["major", [3, 8, 0], true],
    ["major", [3, 7, 2], false],
    ["major", [3, 6, 9], false],
    ["major", [4, 0, 0], false],
    ["minor", [3, 7, 4], true],
    ["minor", [3, 8, 3], false],
  ] as const)("%s of 3.7.3: %j %s", (compatible, version, expected) => {
    expect(isNewEnough({ version: "3.7.3", compatible }, version)).toBe(expected);
  });
});
