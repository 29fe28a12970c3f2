import { existsSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import type { Stack } from "./stack.ts";
import { eventually } from "./wait.ts";

/** No question is without its answer, and each request is served by the pod that the client chose first. */
const untouched = { resolved: { failed: 0 }, direct: { failed: 0 }, requests: { first: 0, failed: 0 } };

/** Nodes that come and go. */
export function describeNodes(get: () => Stack): void {
  const nodeNames = async (stack: Stack) => (await stack.status()).nodes.map(({ name }) => name);

  test("a node more and a node less: its pods move, and the name is answered all the while", async () => {
    const stack = get();
    await stack.namedPods(4);
    await using traffic = await stack.traffic("a node more, and less");
    expect((await stack.peak("up", "--nodes", "4")).code).toBe(0);
    expect(await nodeNames(stack)).toEqual(["pi1", "pi2", "pi3", "pi4"]);

    await stack.kubectl("rollout", "restart", "-n", "echo", "deployment/echo");
    const moved = await eventually("a pod is on the new node", 180, async () => {
      const pods = await stack.namedPods(4);
      return pods.some(({ node }) => node === "pi4") ? pods : undefined;
    });

    const { code, stdout, stderr } = await stack.peak("up", "--nodes", "3");
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain("warning");
    expect(await nodeNames(stack)).toEqual(["pi1", "pi2", "pi3"]);
    expect(await stack.kubectl("get", "nodes", "-o", "name")).not.toContain("pi4");
    const pods = await stack.namedPods(4);
    for (const { node, name } of moved) if (node === "pi4") expect(pods.map((pod) => pod.name)).not.toContain(name);
    expect(await traffic.stop()).toMatchObject(untouched);
  });

  test("a dead host is forgotten without being reached, and up without it goes on", async () => {
    const stack = get();
    expect((await stack.peak("up", "--nodes", "4")).code).toBe(0);
    await stack.namedPods(4);
    const refusals: [node: string, why: RegExp][] = [["pi4", /pi4 is alive/], ["pi1", /holds the control plane/], ["pi9", /there is no node pi9: pi1, pi2, pi3, pi4/]];
    for (const [node, why] of refusals) {
      const { code, stderr } = await stack.start("forget", node).ended;
      expect([code, stderr]).toEqual([2, expect.stringMatching(why)]);
    }

    stack.killNode("pi4");
    await eventually("its processes are gone", 30, async () => {
      const processes = stack.leftovers()["processes"] as { command: string }[];
      return processes.some(({ command }) => command.includes("--machine=pi4 ")) ? undefined : true;
    });
    const disk = `/var/lib/peak/${stack.environment.PEAK_LOCAL_NAME}/units/pi4`;
    expect(existsSync(disk)).toBe(true);
    rmSync(disk, { recursive: true, force: true });
    await eventually("Kubernetes knows that it is gone", 90, async () => ((await stack.status()).nodes.find(({ name }) => name === "pi4")!.ready ? undefined : true));

    const { code, stderr } = await stack.peak("forget", "pi4");
    expect(code).toBe(0);
    expect(stderr).toContain("forget: pi4 is out of the cluster");
    expect(stderr).toContain("./peak up --nodes 3");
    expect(await stack.kubectl("get", "nodes", "-o", "name")).not.toContain("pi4");
    expect(await nodeNames(stack)).toEqual(["pi1", "pi2", "pi3"]);
    expect((await stack.peak("up", "--nodes", "3")).code).toBe(0);
    await stack.settled();
    expect((await stack.start("forget", "pi4").ended).code).toBe(2);
    const again = await stack.peak("up");
    expect(again.stdout + again.stderr).toMatch(/^up: \d+ unchanged$/m);
  });
}
