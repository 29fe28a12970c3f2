/** What `./peak forget` does, against a real API server and a real engine. */
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startApiServer } from "../test/harness/api-server.ts";
import { testStack } from "../toolchain/providers/shared/stack.ts";
import { exportState, importState } from "./engine/exported.ts";
import { withoutHost } from "./engine/host-state.ts";
import { withoutProtection } from "./engine/state.ts";
import { removeNode } from "./status/kubernetes.ts";

test("a node goes out of the cluster with its pods at once, and what is lost is told", async () => {
  await using server = await startApiServer();
  const post = (path: string, body: object) => server.request({ method: "POST", path, body });
  for (const name of ["dead", "alive"]) {
    await post("/api/v1/nodes", { metadata: { name } });
    const spec = { nodeName: name, terminationGracePeriodSeconds: 600, containers: [{ name: "c", image: "none" }] };
    await post("/api/v1/namespaces/default/pods", { metadata: { name: `on-${name}` }, spec });
    const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] }] } };
    const volume = { capacity: { storage: "1Mi" }, accessModes: ["ReadWriteOnce"], local: { path: "/data" }, nodeAffinity };
    await post("/api/v1/persistentvolumes", { metadata: { name: `volume-${name}` }, spec: volume });
  }
  const access = { kubeconfig: server.kubeconfig };
  expect(await removeNode(access, "dead")).toEqual({ pods: ["default/on-dead"], volumes: ["volume-dead"] });
  const names = async (kind: string) =>
    (await server.request<{ items: { metadata: { name: string } }[] }>({ path: `/api/v1/${kind}` })).items.map(({ metadata }) => metadata.name);
  expect([await names("nodes"), await names("pods")]).toEqual([["alive"], ["on-alive"]]);
  expect(await removeNode(access, "dead")).toEqual({ pods: [], volumes: ["volume-dead"] });
}, 300_000);

test("the engine takes the state without a host, and then needs not reach it", async () => {
  let hosts = ["pi1", "pi2"];
  await using subject = await testStack(async () => {
    const marks = (name: string) => `echo ${name} >> removed`;
    const setups = hosts.map((name) => {
      const host = new pulumi.ComponentResource("peak:node:VirtualPi", name);
      const machine = new command.local.Command(name, { create: ":", delete: marks(name) }, { parent: host });
      // To reach a dead host fails.
      const remove = name === "pi2" ? "false" : ":";
      const reached = { create: ":", delete: remove, environment: { MACHINE: machine.stdout } };
      const directory = new pulumi.ComponentResource("peak:node:HostSetup", `${name}-directory`, {}, { protect: true });
      new command.local.Command(`${name}-directory`, reached, { parent: directory, dependsOn: machine });
      new command.local.Command(`${name}-volume`, { create: ":" }, { dependsOn: directory, protect: true });
      return new command.local.Command(`${name}-setup`, reached, { dependsOn: machine });
    });
    new command.local.Command("cluster", { create: ":" }, { dependsOn: setups });
  });
  const { stack, dir } = subject;
  await stack.up();
  const { stack: rest, removed } = withoutHost(await exportState(stack), "pi2");
  expect(removed.map((urn) => urn.split("::").at(-1)).sort()).toEqual(["pi2-directory", "pi2-setup"]);
  await importState(stack, rest);

  writeFileSync(join(dir, "removed"), "");
  hosts = ["pi1"];
  const { summary } = await stack.up();
  expect(summary.resourceChanges).toMatchObject({ delete: 4 });
  expect(existsSync(join(dir, "removed"))).toBe(true);
  await importState(stack, withoutProtection(await exportState(stack)));
  await stack.destroy();
}, 600_000);
