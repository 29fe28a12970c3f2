// The whole path on real virtual Pis, from nothing to nothing. The tests build on one another, in this order.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeFaults } from "./faults.ts";
import { describeNodes } from "./nodes.ts";
import { Stack } from "./stack.ts";
import { describeSteering } from "./steering.ts";
import { eventually } from "./wait.ts";

let stack: Stack;
beforeAll(() => {
  stack = new Stack();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

describe("from nothing", () => {
  test("up brings up the stack and says what to try", async () => {
    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    for (const word of ["pi1", "pi2", "pi3", "client1", "echo.peak.", "./peak client -- curl"]) expect(stdout + stderr).toContain(word);
  });

  test("status --json tells nodes, servers and names", async () => {
    expect(await stack.status()).toMatchObject({
      stack: "local",
      nodes: [
        { name: "pi1", role: "steering", ready: true, ula: "fd7e:ea4c:0:e2e:1::1", global: "2001:db8:e2e:c:1::1" },
        { name: "pi2", role: "service", ready: true },
        { name: "pi3", role: "service", ready: true },
      ],
      rootDns: { address: "2001:db8:e2e:c:1::53", port: 53 },
      secondaryDns: [{ address: "2001:db8:e2e:c:2::53", port: 53 }],
      clusterDns: [{ address: "2001:db8:e2e:c:2::1", port: 53 }, { address: "2001:db8:e2e:c:3::1", port: 53 }],
      names: ["echo.peak."],
      services: { echo: "http://echo.peak/" },
    });
  });
});

describe("the path from a name to a pod", () => {
  test("both root servers refer to the cluster's servers, with their addresses, and name no pod", async () => {
    const { rootDns, secondaryDns, clusterDns } = await stack.status();
    for (const { address: root } of [rootDns, ...secondaryDns]) {
      const answer = await stack.onClient("dig", "+norecurse", `@${root}`, "echo.peak.", "AAAA");
      expect(answer).toMatch(/status: NOERROR/);
      expect(answer).toMatch(/flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 2/);
      for (const { address } of clusterDns) expect(answer).toMatch(new RegExp(`\\.ns\\.peak\\.\\s+\\d+\\s+IN\\s+AAAA\\s+${address}\\n`));
      for (const pod of await stack.echoPods()) expect(answer).not.toContain(pod.address);
    }
  });

  test("dig +trace goes the same way", async () => {
    const trace = await stack.onClient("dig", "+trace", "echo.peak.", "AAAA");
    expect(trace).toMatch(/^\.\s.*\sNS\s+root1\.ns\.peak\.$[^]*^echo\.peak\.\s.*\sNS\s+pi2\.ns\.peak\.$[^]*^echo\.peak\.\s.*\sAAAA\s+2001:db8:e2e:c:[23]:1:/m);
  });

  test("each cluster server answers with authority: the addresses of all ready pods, by UDP and TCP", async () => {
    const pods = await stack.namedPods(4);
    for (const { address } of (await stack.status()).clusterDns) {
      for (const transport of ["+notcp", "+tcp"]) {
        const answer = await stack.onClient("dig", "+norecurse", transport, `@${address}`, "echo.peak.", "AAAA");
        expect(answer).toMatch(/flags: qr aa; QUERY: 1, ANSWER: 4/);
        for (const pod of pods) expect(answer).toContain(pod.address);
      }
    }
  });

  test("a name that is not there is denied with the SOA, and one outside of the zone refused", async () => {
    const { rootDns } = await stack.status();
    const denied = await stack.onClient("dig", "+norecurse", `@${rootDns.address}`, "nothing.peak.", "AAAA");
    expect(denied).toMatch(/status: NXDOMAIN/);
    expect(denied).toMatch(/peak\.\s+\d+\s+IN\s+SOA/);
    expect(await stack.onClient("dig", "+norecurse", `@${rootDns.address}`, "example.", "AAAA")).toMatch(/status: REFUSED/);
  });

  test("requests by name reach every pod, on every service node, from both clients", async () => {
    const pods = await stack.namedPods(4);
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
    const pods = await stack.namedPods(4);
    const script = "require('node:dns').promises.resolve6('echo.peak').then((all) => console.log(JSON.stringify(all.sort())))";
    expect(JSON.parse(await stack.kubectl("exec", "-n", "echo", pods[0]!.name, "--", "node", "-e", script))).toEqual(pods.map((pod) => pod.address).sort());
  });
});

describe("callers without credentials", () => {
  test.each([
    ["the API server", "pi1", 6443, "/api"],
    ["the API server's version", "pi1", 6443, "/version"],
    ["kubelet", "pi2", 10250, "/pods"],
    ["the registry", "pi1", 5000, "/v2/"],
  ])("%s turns them away", async (_, node, port, path) => {
    const { ula } = (await stack.status()).nodes.find(({ name }) => name === node)!;
    expect(await stack.onClient("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", `https://[${ula}]:${port}${path}`)).toBe("401");
  });

  test("etcd, scheduler, controller manager, kube-proxy, Prometheus and metrics are not reachable from outside", async () => {
    const { ula } = (await stack.status()).nodes[0]!;
    for (const port of [2379, 2380, 10248, 10249, 10256, 10257, 10259, 9090, 9153, 9154]) {
      const { code } = await stack.start("client", "--", "curl", "-sk", "--max-time", "2", `https://[${ula}]:${port}/`).ended;
      expect(code, `port ${port}`).toBe(7); // connection refused
    }
  });
});

describe("what changes", () => {
  test("the answer follows the number of pods", async () => {
    for (const count of [2, 5, 4]) {
      await stack.kubectl("scale", "-n", "echo", "deployment/echo", `--replicas=${count}`);
      await stack.namedPods(count);
    }
  });

  test("a deleted pod leaves the answer at once, another takes its place, and the name is answered all the while", async () => {
    const [victim] = await stack.namedPods(4);
    await using traffic = await stack.traffic("a deleted pod");
    await stack.kubectl("delete", "pod", "-n", "echo", victim!.name, "--wait=false");
    await eventually("the pod leaves the answer", 30, async () => ((await stack.resolve()).includes(victim!.address) ? undefined : true));
    const after = await stack.namedPods(4);
    expect(after.map((pod) => pod.name)).not.toContain(victim!.name);
    // It goes on serving those who still have its address.
    expect(await traffic.stop()).toMatchObject({ resolved: { failed: 0 }, direct: { failed: 0 }, requests: { first: 0, failed: 0 } });
  });

  test("a changed service is rolled out, and nothing else", async () => {
    stack.edit("services/echo/app.ts", (content) => content.replace("{ ...self, requests }", "{ ...self, requests, edition: 2 }"));
    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^up: \d+ unchanged, (1 updated, 1 replaced|1 replaced, 1 updated)$/m);
    await stack.namedPods(4);
    await eventually("a new pod answers", 60, async () => ((await stack.onClient("curl", "-s", "--max-time", "5", "http://echo.peak/")).includes('"edition":2') ? true : undefined));
  });

  test("changed DNS servers are rolled out one after another, and no question is without its answer", async () => {
    stack.edit("dns-server/runtime/log.ts", (content) => `${content}// another edition\n`);
    await using traffic = await stack.traffic("new DNS servers");
    const { code, stdout, stderr } = await stack.peak("up");
    expect(code).toBe(0);
    expect(stdout + stderr).toMatch(/^up: \d+ unchanged, (4 updated, 1 replaced|1 replaced, 4 updated)$/m);
    await stack.settled();
    expect(await traffic.stop()).toMatchObject({ resolved: { failed: 0 }, direct: { failed: 0 }, requests: { first: 0, failed: 0 } });
  });
});

describe("steering", () => describeSteering(() => stack));

describe("faults", () => describeFaults(() => stack));

describe("nodes", () => describeNodes(() => stack));

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
