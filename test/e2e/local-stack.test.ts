// The whole path on real virtual Pis, from nothing to nothing. The tests build on one another, in this order.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Clone } from "./clone.ts";
import { eventually, Stream } from "./wait.ts";

interface Pod {
  name: string;
  node: string;
  address: string;
}

let stack: Clone;
beforeAll(() => {
  stack = new Clone();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const kubectl = (...words: string[]) => stack.output("kubectl", ...words);
const onClient = (...words: string[]) => stack.output("client", "--", ...words);
const lines = (output: string) => output.split("\n").filter((line) => line.trim() !== "");

/** The echo pods that are ready and stay. */
async function echoPods(): Promise<Pod[]> {
  const { items } = JSON.parse(await kubectl("get", "pods", "-n", "echo", "-o", "json")) as {
    items: {
      metadata: { name: string; deletionTimestamp?: string };
      spec: { nodeName: string };
      status: { podIP?: string; conditions?: { type: string; status: string }[] };
    }[];
  };
  return items
    .filter(({ metadata, status }) => !metadata.deletionTimestamp && status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"))
    .map(({ metadata, spec, status }) => ({ name: metadata.name, node: spec.nodeName, address: status.podIP! }));
}

/**
 * What a client's resolver answers for the name, sorted. Asked as often as a stub resolver does, twice; and in the
 * client's namespace itself, so that it works while `./peak up` does.
 */
async function resolve(): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ip", ["netns", "exec", "peake2e-client1", "dig", "+short", "+tries=2", "+time=5", "echo.peak.", "AAAA"]);
  return lines(stdout).sort();
}

/** Waits until the name leads to exactly the ready pods, `count` of them. */
function namedPods(count: number): Promise<Pod[]> {
  return eventually(`echo.peak. leads to ${count} ready pods, and to nothing else`, 90, async () => {
    const pods = await echoPods();
    const addresses = pods.map((pod) => pod.address).sort();
    return pods.length === count && JSON.stringify(await resolve()) === JSON.stringify(addresses) ? pods : undefined;
  });
}

/** A steady stream of questions for the name, each of which must be answered with an address. */
function questions(): Stream {
  return new Stream(async () => {
    const answer = await resolve();
    if (answer.length === 0 || answer.some((line) => line.startsWith(";"))) throw new Error(`answered with ${JSON.stringify(answer)}`);
  });
}

interface Status {
  stack: string;
  nodes: { name: string; role: string; ready: boolean; ula: string; global: string }[];
  rootDns: { address: string; port: number };
  clusterDns: { address: string; port: number }[];
  names: string[];
  services: Record<string, string>;
}
const status = async () => JSON.parse(await stack.output("status", "--json")) as Status;

describe("from nothing", () => {
  test("up brings up the stack and says what to try", async () => {
    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    for (const word of ["pi1", "pi2", "pi3", "client1", "echo.peak.", "./peak client -- curl"]) expect(stdout + stderr).toContain(word);
  });

  test("status --json tells nodes, servers and names", async () => {
    expect(await status()).toMatchObject({
      stack: "local",
      nodes: [
        { name: "pi1", role: "steering", ready: true, ula: "fd7e:ea4c:0:e2e:1::1", global: "2001:db8:e2e:c:1::1" },
        { name: "pi2", role: "service", ready: true },
        { name: "pi3", role: "service", ready: true },
      ],
      rootDns: { address: "2001:db8:e2e:c:1::1", port: 53 },
      clusterDns: [{ address: "2001:db8:e2e:c:2::1", port: 53 }, { address: "2001:db8:e2e:c:3::1", port: 53 }],
      names: ["echo.peak."],
      services: { echo: "http://echo.peak/" },
    });
  });
});

describe("the path from a name to a pod", () => {
  test("the root server refers to the cluster's servers, with their addresses, and names no pod", async () => {
    const { rootDns, clusterDns } = await status();
    const answer = await onClient("dig", "+norecurse", `@${rootDns.address}`, "echo.peak.", "AAAA");
    expect(answer).toMatch(/status: NOERROR/);
    expect(answer).toMatch(/flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 2/);
    for (const { address } of clusterDns) expect(answer).toMatch(new RegExp(`\\.ns\\.peak\\.\\s+\\d+\\s+IN\\s+AAAA\\s+${address}\\n`));
    for (const pod of await echoPods()) expect(answer).not.toContain(pod.address);
  });

  test("dig +trace goes the same way", async () => {
    const trace = await onClient("dig", "+trace", "echo.peak.", "AAAA");
    expect(trace).toMatch(/^\.\s.*\sNS\s+pi1\.ns\.peak\.$[^]*^echo\.peak\.\s.*\sNS\s+pi2\.ns\.peak\.$[^]*^echo\.peak\.\s.*\sAAAA\s+2001:db8:e2e:c:[23]:1:/m);
  });

  test("each cluster server answers with authority: the addresses of all ready pods, by UDP and TCP", async () => {
    const pods = await namedPods(4);
    for (const { address } of (await status()).clusterDns) {
      for (const transport of ["+notcp", "+tcp"]) {
        const answer = await onClient("dig", "+norecurse", transport, `@${address}`, "echo.peak.", "AAAA");
        expect(answer).toMatch(/flags: qr aa; QUERY: 1, ANSWER: 4/);
        for (const pod of pods) expect(answer).toContain(pod.address);
      }
    }
  });

  test("a name that is not there is denied with the SOA, and one outside of the zone refused", async () => {
    const { rootDns } = await status();
    const denied = await onClient("dig", "+norecurse", `@${rootDns.address}`, "nothing.peak.", "AAAA");
    expect(denied).toMatch(/status: NXDOMAIN/);
    expect(denied).toMatch(/peak\.\s+\d+\s+IN\s+SOA/);
    expect(await onClient("dig", "+norecurse", `@${rootDns.address}`, "example.", "AAAA")).toMatch(/status: REFUSED/);
  });

  test("requests by name reach every pod, on every service node, from both clients", async () => {
    const pods = await namedPods(4);
    expect(new Set(pods.map((pod) => pod.node))).toEqual(new Set(["pi2", "pi3"]));
    for (const client of ["client1", "client2"]) {
      const reached = new Set<string>();
      await eventually(`${client} reaches every pod`, 120, async () => {
        const answer = JSON.parse(await stack.output("client", "--name", client, "--", "curl", "-s", "--max-time", "5", "http://echo.peak/")) as { pod: string };
        reached.add(answer.pod);
        return pods.every((pod) => reached.has(pod.name)) ? reached : undefined;
      });
    }
  });

  test("a pod finds the name, too: through the cluster's DNS and the referral", async () => {
    const pods = await namedPods(4);
    const script = "require('node:dns').promises.resolve6('echo.peak').then((all) => console.log(JSON.stringify(all.sort())))";
    expect(JSON.parse(await kubectl("exec", "-n", "echo", pods[0]!.name, "--", "node", "-e", script))).toEqual(pods.map((pod) => pod.address).sort());
  });
});

describe("callers without credentials", () => {
  test.each([
    ["the API server", "pi1", 6443, "/api"],
    ["the API server's version", "pi1", 6443, "/version"],
    ["kubelet", "pi2", 10250, "/pods"],
    ["the registry", "pi1", 5000, "/v2/"],
  ])("%s turns them away", async (_, node, port, path) => {
    const { ula } = (await status()).nodes.find(({ name }) => name === node)!;
    expect(await onClient("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", `https://[${ula}]:${port}${path}`)).toBe("401");
  });

  test("etcd, scheduler, controller manager, kube-proxy and probes are not reachable from outside", async () => {
    const { ula } = (await status()).nodes[0]!;
    for (const port of [2379, 2380, 10248, 10249, 10256, 10257, 10259, 9153]) {
      const { code } = await stack.start("client", "--", "curl", "-sk", "--max-time", "2", `https://[${ula}]:${port}/`).ended;
      expect(code, `port ${port}`).toBe(7); // connection refused
    }
  });
});

describe("what changes", () => {
  test("the answer follows the number of pods", async () => {
    for (const count of [2, 5, 4]) {
      await kubectl("scale", "-n", "echo", "deployment/echo", `--replicas=${count}`);
      await namedPods(count);
    }
  });

  test("a deleted pod leaves the answer at once, another takes its place, and the name is answered all the while", async () => {
    const [victim] = await namedPods(4);
    const stream = questions();
    await kubectl("delete", "pod", "-n", "echo", victim!.name, "--wait=false");
    await eventually("the pod leaves the answer", 30, async () => ((await resolve()).includes(victim!.address) ? undefined : true));
    const after = await namedPods(4);
    expect(after.map((pod) => pod.name)).not.toContain(victim!.name);
    expect(await stream.stop()).toMatchObject({ failures: [] });
  });

  test("a killed kubelet, containerd, kube-proxy or API server comes back by itself, and the name is answered all the while", async () => {
    await namedPods(4);
    const stream = questions();
    for (const [node, unit] of [["pi2", "kubelet"], ["pi2", "containerd"], ["pi3", "kube-proxy"], ["pi1", "kube-apiserver"], ["pi1", "etcd"]] as const) {
      const pid = () => stack.output("ssh", node, "systemctl", "show", "--value", "--property=MainPID", unit);
      const before = (await pid()).trim();
      await stack.output("ssh", node, "kill", "-9", before);
      await eventually(`${unit} on ${node} runs again`, 60, async () => {
        const now = (await pid()).trim();
        return now !== "0" && now !== before ? now : undefined;
      });
    }
    await eventually("the API server answers", 60, async () => ((await kubectl("get", "--raw", "/readyz")) === "ok" ? true : undefined));
    await namedPods(4);
    expect(await stream.stop()).toMatchObject({ failures: [] });
  });

  test("with all processes of a node dead the name is answered; up brings the node back with its data; then up changes nothing", async () => {
    await stack.output("ssh", "pi3", "touch", "/var/lib/kubelet/kept");
    const stream = questions();
    const processes = stack.leftovers()["processes"] as { pid: number; command: string }[];
    const container = processes.find(({ command }) => /systemd-nspawn .*--machine=pi3 /.test(command))!.pid;
    // With its first process, the kernel ends all processes of the node.
    process.kill(Number(readFileSync(`/proc/${container}/task/${container}/children`, "utf8").trim()), "SIGKILL");
    await eventually("status tells that pi3 is gone", 90, async () => ((await status()).nodes.find(({ name }) => name === "pi3")!.ready ? undefined : true));
    expect((await stack.peak("up")).code).toBe(0);
    expect(await stream.stop()).toMatchObject({ failures: [] });
    expect(await stack.output("ssh", "pi3", "ls", "/var/lib/kubelet/kept")).toBe("/var/lib/kubelet/kept\n");
    await eventually("pi3 is ready", 90, async () => ((await status()).nodes.every(({ ready }) => ready) ? true : undefined));
    await namedPods(4);

    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^up: \d+ unchanged$/m);
  });

  test("a changed service is rolled out, and nothing else", async () => {
    stack.edit("services/echo/app.ts", (content) => content.replace("{ ...self, requests }", "{ ...self, requests, edition: 2 }"));
    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^up: \d+ unchanged, (1 updated, 1 replaced|1 replaced, 1 updated)$/m);
    await namedPods(4);
    await eventually("a new pod answers", 60, async () => ((await onClient("curl", "-s", "--max-time", "5", "http://echo.peak/")).includes('"edition":2') ? true : undefined));
  });
});

describe("to nothing", () => {
  const nothing = { processes: [], namespaces: [], links: [], routes: [], mounts: [], cgroups: [], directories: [] };

  test("destroy leaves nothing of the stack on the host", async () => {
    expect((await stack.peak("destroy")).code).toBe(0);
    expect(stack.leftovers()).toEqual(nothing);
  });

  test("so it does after an update that was killed half way", async () => {
    const { child, ended } = stack.start("up");
    const underWay = eventually("the API server runs", 300, async () =>
      ((stack.leftovers()["processes"] as { command: string }[]).some(({ command }) => command.includes("kube-apiserver")) ? true : undefined));
    expect(await Promise.race([underWay, ended])).toBe(true);
    process.kill(-child.pid!, "SIGKILL");
    await ended;
    expect(stack.leftovers()).not.toEqual(nothing);
    expect((await stack.peak("destroy")).code).toBe(0);
    expect(stack.leftovers()).toEqual(nothing);
  });
});
