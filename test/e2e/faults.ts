import { expect, test } from "vitest";
import type { Tally } from "./emulate-client.ts";
import type { Stack } from "./stack.ts";
import { eventually } from "./wait.ts";

/** No question is without its answer, and no request without a pod that serves it. */
const served = { resolved: { failed: 0 }, direct: { failed: 0 }, requests: { failed: 0 } };
/** Besides, each request was served by the pod that the client chose first. */
const untouched = { ...served, requests: { first: 0, failed: 0 } };

/** How long it may take until a pod that died has left what clients' resolvers answer: until probes noticed (3 s), and the TTL (5 s); twice that. */
const LEFT_SECONDS = 16;

/** Requests to a dead pod first: no more than until it has left the answer, and a turn of a second; one in `share`, 20 a second. */
function expectFewFirst({ requests }: Tally, share: number, leftSeconds = LEFT_SECONDS): void {
  expect(requests.first).toBeLessThanOrEqual(((leftSeconds + 2) * 20) / share);
}

/** The process that serves DNS at an address. */
const serverAt = (address: string) => `ss -Hlptn 'src [${address}]:53' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p'`;

/** What dies is not missed: each with a stream of questions and requests from a client. */
export function describeFaults(get: () => Stack): void {
  test("a killed pod", async () => {
    const stack = get();
    const [victim] = await stack.namedPods(4);
    await using traffic = await stack.traffic("kill -9 of a pod");
    await stack.kill(victim!.node, `grep -lz POD_NAME=${victim!.name} /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3`);
    await stack.settled();
    const tally = await traffic.stop();
    expect(tally).toMatchObject(served);
    expectFewFirst(tally, 4);
  });

  test.each([
    ["Prometheus", "pi1", "pidof prometheus"],
    ["the API server", "pi1", "systemctl show --value --property=MainPID kube-apiserver"],
    ["etcd", "pi1", "systemctl show --value --property=MainPID etcd"],
    ["kubelet", "pi2", "systemctl show --value --property=MainPID kubelet"],
    ["containerd", "pi2", "systemctl show --value --property=MainPID containerd"],
    ["kube-proxy", "pi3", "systemctl show --value --property=MainPID kube-proxy"],
    ["a cluster's server", "pi2", serverAt("2001:db8:e2e:c:2::1")],
    ["the root's primary", "pi1", serverAt("2001:db8:e2e:c:1::53")],
    ["the root's secondary", "pi2", serverAt("2001:db8:e2e:c:2::53")],
  ])("%s, killed, comes back by itself", async (what, node, expression) => {
    const stack = get();
    await stack.namedPods(4);
    const pid = async () => (await stack.output("ssh", node, expression)).trim();
    const before = await pid();
    await using traffic = await stack.traffic(`kill -9 of ${what}`);
    await stack.kill(node, expression);
    await eventually(`${what} runs again`, 90, async () => {
      const now = await pid();
      return now !== "" && now !== "0" && now !== before ? now : undefined;
    });
    await stack.settled();
    expect(await traffic.stop()).toMatchObject(untouched);
  });

  test("with all processes of a node dead the name is answered; up brings the node back with its data; then up changes nothing", async () => {
    const stack = get();
    const pods = await stack.namedPods(4);
    const on = (name: string) => pods.filter(({ node }) => node === name);
    // A server that sees most of what it probes fail blames itself, and leaves it to Kubernetes: here the half at most is to fail.
    const node = on("pi3").length <= on("pi2").length ? "pi3" : "pi2";
    await stack.output("ssh", node, "touch", "/var/lib/kubelet/kept");
    await using traffic = await stack.traffic(`all processes of ${node} dead`);
    const killed = Date.now();
    stack.killNode(node);
    const dead = on(node).map(({ address }) => address);
    await eventually("its pods have left the answer", 30, async () => ((await stack.resolve()).some((address) => dead.includes(address)) ? undefined : true));
    const left = (Date.now() - killed) / 1000;
    await eventually("status tells that it is gone", 90, async () => ((await stack.status()).nodes.find(({ name }) => name === node)!.ready ? undefined : true));
    expect((await stack.peak("up")).code).toBe(0);
    expect(await stack.output("ssh", node, "ls", "/var/lib/kubelet/kept")).toBe("/var/lib/kubelet/kept\n");
    await stack.settled();
    const tally = await traffic.stop();
    expect(tally).toMatchObject(served);
    expectFewFirst(tally, pods.length / dead.length, left);

    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^up: \d+ unchanged$/m);
  });
}
