import { describe, expect, it } from "vitest";
import { type Lockfile, parseLockfile, productionPackages, projectPackage } from "./packages.ts";

const version = "1.0.0";
const integrity = "sha512-x";
const entry = { version, integrity };

const lock: Lockfile = {
  lockfileVersion: 3,
  packages: {
    "": {},
    "node_modules/a": { ...entry, dependencies: { b: "1", c: "1" } },
    "node_modules/b": { ...entry, version: "2.0.0" },
    "node_modules/a/node_modules/b": { ...entry, dependencies: { d: "1" } },
    "node_modules/a/node_modules/d": entry,
    "node_modules/c": { ...entry, dependencies: { b: "2", a: "1" } },
    "node_modules/@s/native": {
      ...entry,
      optionalDependencies: { "@s/x64": "1", "@s/arm64": "1", "@s/musl": "1", "@s/win": "1", "@s/any": "1", gone: "1" },
    },
    "node_modules/@s/x64": { ...entry, os: "linux", cpu: "x64" },
    "node_modules/@s/arm64": { ...entry, os: ["linux"], cpu: ["arm64"] },
    "node_modules/@s/musl": { ...entry, os: ["linux"], libc: ["musl"] },
    "node_modules/@s/win": { ...entry, os: ["win32"] },
    "node_modules/@s/any": { ...entry, os: ["!win32"] },
    "node_modules/peers": { ...entry, peerDependencies: { d: "1", c: "1" }, peerDependenciesMeta: { d: { optional: true } } },
    "node_modules/lacking": { ...entry, dependencies: { nowhere: "1" } },
    "node_modules/foreign": { ...entry, dependencies: { "@s/win": "1" } },
    "node_modules/linked": { version },
  },
};

const paths = (...roots: string[]) => productionPackages(lock, roots, "amd64").map(({ path }) => path);

describe("productionPackages", () => {
  it("resolves as Node does, nested packages first, and ends on cycles", () => {
    expect(paths("a")).toEqual([
      "node_modules/a",
      "node_modules/a/node_modules/b",
      "node_modules/a/node_modules/d",
      "node_modules/b",
      "node_modules/c",
    ]);
  });

  it("takes of the optional packages those for the platform", () => {
    expect(paths("@s/native")).toEqual(["node_modules/@s/any", "node_modules/@s/native", "node_modules/@s/x64"]);
    const there = productionPackages(lock, ["@s/native"], "arm64");
    expect(there.map(({ name, platformBound }) => ({ name, platformBound }))).toEqual([
      { name: "@s/any", platformBound: true },
      { name: "@s/arm64", platformBound: true },
      { name: "@s/native", platformBound: false },
    ]);
  });

  it("takes peers that are not optional", () => {
    expect(paths("peers")).toContain("node_modules/c");
    expect(paths("peers")).not.toContain("node_modules/d");
  });

  it("says what is missing", () => {
    expect(() => paths("nowhere")).toThrow("package-lock.json has no package nowhere: add it with npm install");
    expect(() => paths("lacking")).toThrow("node_modules/lacking needs nowhere, which is not there");
    expect(() => paths("foreign")).toThrow("node_modules/foreign needs @s/win, which is not for Linux on amd64");
    expect(() => paths("linked")).toThrow("node_modules/linked has no version and integrity");
  });
});

it("projectPackage is the one at the top", () => {
  expect(projectPackage(lock, "b")).toEqual({ path: "node_modules/b", name: "b", version: "2.0.0", integrity, platformBound: false });
});

it("parseLockfile refuses other versions", () => {
  expect(() => parseLockfile('{"lockfileVersion": 1}')).toThrow("package-lock.json");
});
