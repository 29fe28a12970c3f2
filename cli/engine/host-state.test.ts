import { describe, expect, test } from "vitest";
import { withoutHost } from "./host-state.ts";
import type { ExportedStack } from "./state.ts";

const urn = (type: string, name: string) => `urn:pulumi:local::peak::${type}::${name}`;
const root = urn("pulumi:pulumi:Stack", "peak-local");
const host = (name: string) => urn("peak:node:VirtualPi", name);
const machine = (name: string) => urn("command:local:Command", name);
const setup = (name: string) => urn("command:remote:Command", name);
const directory = (name: string) => urn("peak:node:HostSetup", `${name}-directory`);
const volume = (name: string) => urn("kubernetes:core/v1:PersistentVolume", name);
const key = urn("tls:index/privateKey:PrivateKey", "operator-key");

/** What a stack of two nodes has, as far as it matters here. */
function exported(): ExportedStack {
  const node = (name: string) => [
    { urn: host(name), type: "peak:node:VirtualPi", parent: root },
    { urn: urn("tls:index/privateKey:PrivateKey", `${name}-key`), type: "tls:index/privateKey:PrivateKey", custom: true, parent: host(name) },
    { urn: machine(name), type: "command:local:Command", custom: true, parent: host(name) },
    { urn: setup(`${name}-waits`), type: "command:remote:Command", custom: true, parent: host(name), dependencies: [machine(name)] },
    { urn: urn("peak:cluster:Worker", `${name}-worker`), type: "peak:cluster:Worker", parent: root },
    {
      urn: setup(`${name}-worker`), type: "command:remote:Command", custom: true, parent: urn("peak:cluster:Worker", `${name}-worker`),
      propertyDependencies: { connection: [urn("tls:index/privateKey:PrivateKey", `${name}-key`)], stdin: null }, deletedWith: machine(name),
    },
    { urn: machine(`${name}-binaries`), type: "command:local:Command", custom: true, parent: root, dependencies: [machine(name)] },
    {
      urn: setup(`${name}-membership`), type: "command:remote:Command", custom: true, parent: root,
      dependencies: [setup(`${name}-worker`)], propertyDependencies: { create: [setup(`${name}-worker`)] }, deletedWith: machine("pi1"),
    },
    { urn: directory(name), type: "peak:node:HostSetup", parent: root, protect: true },
    { urn: setup(`${name}-directory`), type: "command:remote:Command", custom: true, parent: directory(name), protect: true, dependencies: [machine(name)] },
    { urn: volume(name), type: "kubernetes:core/v1:PersistentVolume", custom: true, parent: root, protect: true, dependencies: [setup(`${name}-directory`)] },
  ];
  const resources = [
    { urn: root, type: "pulumi:pulumi:Stack", outputs: { nodes: [{ name: "pi1" }, { name: "pi2" }], names: ["echo.peak."] } },
    { urn: key, type: "tls:index/privateKey:PrivateKey", custom: true, parent: root, protect: true },
    ...node("pi1"),
    ...node("pi2"),
    { urn: urn("pulumi:providers:kubernetes", "cluster"), type: "pulumi:providers:kubernetes", custom: true, parent: root, dependencies: [setup("pi1-worker"), setup("pi2-worker")] },
    { urn: urn("kubernetes:apps/v1:Deployment", "on-pi2"), type: "kubernetes:apps/v1:Deployment", custom: true, parent: root, dependencies: [setup("pi2-worker")] },
  ];
  return { version: 3, deployment: { manifest: {}, resources } };
}

describe("a stack without a host", () => {
  const before = exported();
  const { stack, removed } = withoutHost(before, "pi2");
  const resources = stack.deployment.resources as unknown as Record<string, unknown>[];

  test("has nothing left that would have to reach it, and all else", () => {
    expect(removed.sort()).toEqual([machine("pi2-binaries"), setup("pi2-waits"), setup("pi2-worker"), setup("pi2-directory")].sort());
    expect(resources.map((one) => one["urn"])).toEqual(before.deployment.resources!.map((one) => one.urn).filter((one) => !removed.includes(one)));
  });

  test("refers to nothing that is gone", () => {
    for (const gone of removed) expect(JSON.stringify(resources)).not.toContain(`"${gone}"`);
    expect(resources.find((one) => one["urn"] === setup("pi2-membership"))).toMatchObject({ dependencies: [], propertyDependencies: { create: [] }, deletedWith: machine("pi1") });
    expect(resources.find((one) => one["type"] === "pulumi:providers:kubernetes")).toMatchObject({ dependencies: [setup("pi1-worker")] });
  });

  test("protects nothing that it held, and all else", () => {
    const kept = resources.filter((one) => one["protect"] === true).map((one) => one["urn"]);
    expect(kept).toEqual([key, directory("pi1"), setup("pi1-directory"), volume("pi1")]);
  });

  test("does not name it as a node", () =>
    expect(resources[0]).toMatchObject({ outputs: { nodes: [{ name: "pi1" }], names: ["echo.peak."] } }));

  test("does not have to leave a board that is dead, nor names it as a client", () => {
    const before = JSON.parse(JSON.stringify(exported()).replaceAll("peak:node:VirtualPi", "peak:node:Board").replaceAll('"nodes"', '"clients"')) as ExportedStack;
    const { stack, removed } = withoutHost(before, "pi2");
    expect(removed.sort()).toEqual([machine("pi2"), machine("pi2-binaries"), setup("pi2-waits"), setup("pi2-worker"), setup("pi2-directory")].sort());
    expect(stack.deployment.resources![0]).toMatchObject({ outputs: { clients: [{ name: "pi1" }] } });
  });

  test("is the same when it is done again, and what it was made of is as it was", () => {
    expect(withoutHost(stack, "pi2")).toEqual({ stack, removed: [] });
    expect(before).toEqual(exported());
  });
});
