import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "../../test/harness/api-server.ts";
import { hostArch } from "../../toolchain/products.ts";
import { provide } from "../../toolchain/provide.ts";
import { renderJoin, renderLeave } from "./membership.ts";

interface Node {
  metadata: { labels: Record<string, string> };
  spec: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
}

let server: ApiServer;
let kubectl: string;

beforeAll(async () => {
  server = await startApiServer({ controllers: true });
  kubectl = `${join((await provide("kubernetes", hostArch)).dir, "bin", "kubectl")} --kubeconfig=${server.kubeconfigPath}`;
});
afterAll(() => server?.stop());

/** Runs a command as sshd would. */
function run(script: string): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  return { code: status, said: `${stdout}${stderr}` };
}

async function addNode(name: string, taints: object[] = [], ready = true): Promise<void> {
  await server.request({ method: "POST", path: "/api/v1/nodes", body: { metadata: { name, labels: { own: "kept" } }, spec: { taints } } });
  const conditions = [{ type: "Ready", status: ready ? "True" : "Unknown", lastHeartbeatTime: new Date().toISOString() }];
  await server.request({ method: "PATCH", path: `/api/v1/nodes/${name}/status`, body: { status: { conditions } } });
}

async function addPod(name: string, nodeName: string): Promise<void> {
  const spec = { nodeName, terminationGracePeriodSeconds: 0, tolerations: [{ operator: "Exists" }], containers: [{ name: "c", image: "none" }] };
  const path = "/api/v1/namespaces/default/pods";
  await server.request({ method: "POST", path, body: { metadata: { name, labels: { app: name } }, spec } });
  const status = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
  await server.request({ method: "PATCH", path: `${path}/${name}/status`, body: { status } });
}

/** A pod that may not be evicted. */
async function addNeededPod(name: string, nodeName: string): Promise<void> {
  await addPod(name, nodeName);
  const budget = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  await server.request({ method: "POST", path: budget, body: { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app: name } } } } });
  for (let tries = 0; tries < 100; tries++) {
    const { status } = await server.request<{ status: { currentHealthy: number } }>({ path: `${budget}/${name}` });
    if (status.currentHealthy === 1) break;
    await sleep(100);
  }
}

const node = (name: string) => server.request<Node>({ path: `/api/v1/nodes/${name}` });
const names = async (kind: string): Promise<string[]> =>
  (await server.request<{ items: { metadata: { name: string } }[] }>({ path: `/api/v1/${kind}` })).items.map(({ metadata }) => metadata.name).sort();
const pods = () => names("namespaces/default/pods");
/** A taint of somebody else. */
const foreign = { key: "example.org/own", effect: "NoSchedule" };

describe("a node that joins", () => {
  test("has the label and the taint of its role, whatever it had, and what is of others stays", async () => {
    await addNode("joins", [foreign]);
    const ours = async () => {
      const { metadata, spec } = await node("joins");
      expect(metadata.labels).toMatchObject({ own: "kept" });
      expect(spec.taints).toContainEqual(foreign);
      return { label: metadata.labels["peak/role"], taint: spec.taints?.find(({ key }) => key === "peak/role") };
    };
    for (const role of ["service", "steering", "steering", "service", "service"] as const) {
      expect(run(renderJoin(kubectl, { name: "joins", role }, "one"))).toMatchObject({ code: 0 });
      const taint = role === "steering" ? { key: "peak/role", value: "steering", effect: "NoSchedule" } : undefined;
      expect(await ours()).toEqual({ label: role, taint });
    }
  });
});

describe("a node that is removed", () => {
  test("loses its pods first, and no other node does", async () => {
    await addNode("leaves");
    await addNode("stays");
    await addPod("moves", "leaves");
    await addPod("remains", "stays");
    const { code, said } = run(renderLeave(kubectl, "leaves", 60));
    expect(code).toBe(0);
    expect(said).toMatch(/pod\/moves evicted[^]*node "leaves" deleted/);
    expect(said).not.toContain("warning");
    expect(await pods()).toEqual(["remains"]);
    expect(await names("nodes")).not.toContain("leaves");
  });

  test("waits for a disruption budget as long as the limit, says whom it hits, and goes", async () => {
    await addNode("guarded");
    await addNeededPod("needed", "guarded");
    const { code, said } = run(renderLeave(kubectl, "guarded", 2));
    expect(code).toBe(0);
    expect(said).toMatch(/would violate the pod's disruption budget/);
    expect(said).toMatch(/^warning: guarded was not drained within 2 s; these pods end with it: default\/needed$/m);
    expect(await names("nodes")).not.toContain("guarded");
  });

  test("stays, and takes pods again, when whoever asked is gone before its pods are", async () => {
    await addNode("kept");
    await addNeededPod("lasting", "kept");
    const isCordoned = async (wanted: boolean) => {
      for (let tries = 0; tries < 300; tries++) {
        if (((await node("kept")).spec.unschedulable ?? false) === wanted) return;
        await sleep(100);
      }
      throw new Error(`kept is ${wanted ? "not" : "still"} cordoned`);
    };
    // As sshd is of what it runs for a connection.
    const asker = spawn("sh", ["-c", 'sh -c "$1" & wait', "sh", renderLeave(kubectl, "kept", 60)], { stdio: "ignore" });
    await isCordoned(true);
    asker.kill("SIGKILL");
    await isCordoned(false);
    expect([await names("nodes"), await pods()]).toEqual([expect.arrayContaining(["kept"]), expect.arrayContaining(["lasting"])]);
  });

  test("that was left cordoned takes pods again when it joins", async () => {
    expect(run(`${kubectl} cordon stays`)).toMatchObject({ code: 0 });
    expect(run(renderJoin(kubectl, { name: "stays", role: "service" }, "one"))).toMatchObject({ code: 0 });
    expect((await node("stays")).spec.unschedulable).toBeUndefined();
  });

  test("is not waited for when it is dead", async () => {
    await addNode("dead", [], false);
    await addPod("lost", "dead");
    const { code, said } = run(renderLeave(kubectl, "dead", 60));
    expect(code).toBe(0);
    expect(said).toMatch(/^warning: dead is not ready, so nothing was drained; these pods end with it: default\/lost$/m);
    expect(await names("nodes")).not.toContain("dead");
  });

  test("may be gone already", () => {
    expect(run(renderLeave(kubectl, "nobody", 60))).toMatchObject({ code: 0, said: "" });
  });

  test("stays while the cluster does not answer", async () => {
    await server.suspend();
    try {
      expect(run(renderLeave(kubectl, "stays", 2)).code).not.toBe(0);
    } finally {
      await server.resume();
    }
    expect(await names("nodes")).toContain("stays");
  });
});
