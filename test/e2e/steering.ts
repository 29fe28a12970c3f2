import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import type { Stack } from "./stack.ts";
import { eventually } from "./wait.ts";

/** Keeps a pod busy from a client, until disposed. */
function load(stack: Stack, address: string): Disposable {
  const script = `while :; do curl -s --max-time 10 -o /dev/null 'http://[${address}]/work?ms=1000' || sleep 0.2; done`;
  const namespace = `${stack.environment.PEAK_LOCAL_NAME}-client2`;
  const child = spawn("ip", ["netns", "exec", namespace, "sh", "-c", script], { stdio: "ignore", detached: true });
  return { [Symbol.dispose]: () => void process.kill(-child.pid!, "SIGKILL") };
}

/** Steering by what Prometheus measures. */
export function describeSteering(get: () => Stack): void {
  test("a pod that is loaded leaves the answer, and returns when it no longer is", async () => {
    const stack = get();
    const [busy, ...others] = await stack.namedPods(4);
    await using traffic = await stack.traffic("a loaded pod");
    {
      using _load = load(stack, busy!.address);
      const rest = others.map(({ address }) => address).sort();
      await eventually("the loaded pod has left the answer", 60, async () => (JSON.stringify(await stack.resolve()) === JSON.stringify(rest) ? true : undefined));
      expect(await stack.explain()).toMatch(new RegExp(`${busy!.name} +overloaded`));
    }
    await stack.namedPods(4);
    expect(await traffic.stop()).toMatchObject({ resolved: { failed: 0 }, direct: { failed: 0 }, requests: { first: 0, failed: 0 } });
  });

  test("single-best names one pod, and another one when that is loaded", async () => {
    const stack = get();
    const annotate = (mode: string) => stack.kubectl("annotate", "--overwrite", "-n", "echo", "deployment/echo", `dns.peak/loadbalance-mode=${mode}`);
    await using traffic = await stack.traffic("single-best");
    await annotate("singlebest");
    const best = await eventually("the answer is one pod", 60, async () => {
      const [only, ...more] = await stack.resolve();
      return more.length === 0 ? only : undefined;
    });
    {
      using _load = load(stack, best);
      await eventually("the answer is another pod", 60, async () => ((await stack.resolve()).includes(best) ? undefined : true));
    }
    await annotate("excludeoverloaded");
    await stack.namedPods(4);
    expect(await traffic.stop()).toMatchObject({ resolved: { failed: 0 }, direct: { failed: 0 }, requests: { first: 0, failed: 0 } });
  });
}
