/** What becomes of Kubernetes objects when a run is killed, or a resource renamed: with the real engine and a real API server. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../../test/harness/api-server.ts";
import { officialPlugin } from "../../toolchain/providers/compare/official.ts";
import { bundled, testStack } from "../../toolchain/providers/shared/stack.ts";
import { exportState } from "./exported.ts";
import { clearPending } from "./recovery.ts";
import { pendingCount } from "./state.ts";

// What the tests make goes with the server: without controllers, nobody would finish its deletion.
let server: ApiServer;
beforeAll(async () => void (server = await startApiServer()), 300_000);
afterAll(() => server?.stop());

const manager = { "pulumi.com/patchFieldManager": "peak" };
const cluster = () => new k8s.Provider("cluster", { kubeconfig: server.kubeconfig, clusterIdentifier: "test" });

async function uidOf(path: string): Promise<string> {
  return (await server.request<{ metadata: { uid: string } }>({ path })).metadata.uid;
}

/** The engine that this process has started. */
function enginePid(): number {
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      return "";
    }
  });
  const engine = stats.find((stat) => stat.includes("(pulumi) ") && stat.split(") ")[1]?.split(" ")[1] === String(process.pid));
  if (engine === undefined) throw new Error("no engine runs"); // 0 would be our own process group
  return Number(engine.split(" ")[0]);
}

const official = officialPlugin("kubernetes");

describe.each([["bundled", bundled], ["official", official ?? ""]] as const)("with the %s plugin", (kind, folder) => {
  const needed = test.skipIf(folder === "");

  needed("what a killed run had begun to make belongs to the next one", { timeout: 300_000 }, async () => {
    const name = `begun-${kind}`;
    const path = `/apis/apps/v1/namespaces/default/deployments/${name}`;
    // Nobody makes pods here: the first run waits for them until it is killed.
    const program = (annotations: object) => async () => {
      const labels = { app: name };
      const containers = [{ name: "main", image: "registry.invalid/a:1" }];
      new k8s.apps.v1.Deployment(name, {
        metadata: { name, namespace: "default", annotations: { ...manager, ...annotations } },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
      }, { provider: cluster() });
    };
    await using subject = await testStack(program({}));
    subject.usePlugins(folder);
    const killed = subject.stack.up().catch(() => undefined);
    await expect.poll(() => uidOf(path).catch(() => ""), { timeout: 120_000 }).not.toBe("");
    process.kill(enginePid(), "SIGKILL");
    await killed;
    await subject.stack.cancel(); // the dead engine's lock
    const uid = await uidOf(path);

    const state = await exportState(subject.stack);
    expect(pendingCount(state)).toBe(1);
    const options = { memory: join(subject.dir, "begun.json"), signal: new AbortController().signal };
    await server.suspend();
    try {
      expect(await clearPending(subject.stack, state, options)).toMatch(/^error: /);
    } finally {
      await server.resume();
    }
    expect(await clearPending(subject.stack, await exportState(subject.stack), options)).toBeUndefined();

    subject.stack.workspace.program = program({ "pulumi.com/skipAwait": "true" });
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 2, update: 1 });
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
    expect(await uidOf(path)).toBe(uid);
  });

  needed("a renamed resource keeps the live object, whether it has an alias or not", { timeout: 300_000 }, async () => {
    const name = `renamed-${kind}`;
    const path = `/api/v1/namespaces/default/configmaps/${name}`;
    const program = (resource: string, aliases: string[] = []) => async () => {
      const metadata = { name, namespace: "default", annotations: manager };
      new k8s.core.v1.ConfigMap(resource, { metadata, data: { a: "1" } }, { provider: cluster(), aliases: aliases.map((name) => ({ name })) });
    };
    await using subject = await testStack(program("one"));
    subject.usePlugins(folder);
    await subject.stack.up();
    const uid = await uidOf(path);

    subject.stack.workspace.program = program("two");
    await expect(subject.stack.up()).rejects.toThrow(/already exists|exists already/);
    expect(await uidOf(path)).toBe(uid);

    subject.stack.workspace.program = program("two", ["one"]);
    expect((await subject.stack.up()).summary.resourceChanges).toEqual({ same: 3 });
    expect(await uidOf(path)).toBe(uid);
  });
});
