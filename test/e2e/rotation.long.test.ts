// Rotation of every kind of key while a client asks and an operator works. The tests build on one another, in this order.
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdtempSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = new Stack("peaklong", "10ab");
  expect((await stack.peak("up")).code).toBe(0);
  await stack.settled();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

/** Does something while names are asked for, pods are asked, and the API server is. */
async function undisturbed(what: string, work: () => Promise<void>): Promise<void> {
  await using traffic = await stack.traffic(what);
  let [over, answered, gap] = [false, Date.now(), 0];
  const watching = (async () => {
    while (!over) {
      const { code } = await stack.start("kubectl", "get", "--raw", "/readyz").ended;
      if (code === 0) [answered, gap] = [Date.now(), Math.max(gap, Date.now() - answered)];
      await sleep(500);
    }
  })();
  try {
    await work();
  } finally {
    over = true;
    await watching;
    const { resolved, direct, requests } = await traffic.stop();
    expect.soft([resolved.failed, direct.failed, requests.failed], what).toEqual([0, 0, 0]);
  }
  console.log(`${what}: the API server was away for ${gap} ms at most`);
  // A minute is what it waits for watches to end, unless it is told not to.
  expect.soft(gap, what).toBeLessThan(60_000);
}

/** What a rotation of SSH keys has no reason to start anew; where a host has no such unit, it has no id. */
const units = ["ssh", "containerd", "kubelet", "kube-proxy", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"];

async function logsIn(node: string): Promise<boolean> {
  return (await stack.start("ssh", node, "true").ended).code === 0;
}

/** Copies of the key and the list of known hosts that `./peak ssh` uses now. */
async function credentials(): Promise<{ key: string; known: string }> {
  await stack.output("ssh", "pi1", "true");
  const folder = join(stack.directory, ".peak/credentials/local");
  const copies = mkdtempSync(join(stack.directory, "credentials-"));
  const [key, known] = [join(copies, "ssh-key"), join(copies, "known-hosts")];
  for (const file of [key, known]) copyFileSync(join(folder, basename(file)), file);
  return { key, known };
}

/** The certificates in a file of a host. */
async function certificates(node: string, path: string): Promise<X509Certificate[]> {
  const text = await stack.output("ssh", node, "cat", path);
  return text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g)!.map((pem) => new X509Certificate(pem));
}

test("operator and API server are no system:masters, and nobody's certificate is for more than a year", async () => {
  expect(await stack.kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.groups}")).toBe('["peak:operators","system:authenticated"]');
  const [client] = await certificates("pi1", "/etc/peak/kubernetes/kubelet-client.crt");
  expect(client!.subject).toBe("CN=kube-apiserver-kubelet-client");
  expect(Date.parse(client!.validTo) - Date.parse(client!.validFrom)).toBe(365 * 86_400_000);
});

describe.each([
  ["kubernetes", "/etc/peak/kubernetes/ca.crt", "/etc/peak/kubernetes/apiserver.crt", "peak kubernetes-2"],
  ["etcd", "/etc/peak/etcd/ca.crt", "/etc/peak/etcd/server.crt", "peak etcd-2"],
  ["registry", "/etc/peak/containerd/certs.d/registry.peak.internal:5000/ca.crt", "/etc/peak/registry/server.crt", "peak registry-2"],
])("rotate %s", (what, trusted, used, authority) => {
  test("disturbs nobody, also when it is interrupted and goes on", async () => {
    await undisturbed(`rotate ${what}`, async () => {
      const first = stack.start("rotate", what);
      await sleep(20_000);
      first.child.kill("SIGINT");
      expect((await first.ended).code).toBe(130);
      expect((await stack.peak("rotate", what)).code).toBe(0);
    });
    await stack.settled();
  });

  test("leaves one authority, a new one, and all that it signs", async () => {
    const [only, ...others] = await certificates("pi1", trusted);
    expect([only!.subject, others]).toEqual([`CN=${authority}`, []]);
    expect((await certificates("pi1", used))[0]!.checkIssued(only!)).toBe(true);
  });
});

test("rotate dns disturbs nobody, and clusters go on registering", async () => {
  await undisturbed("rotate dns", async () => expect((await stack.peak("rotate", "dns")).code).toBe(0));
  await stack.settled();
});

test("rotate ssh disturbs nobody and starts nothing anew, also when it is interrupted and goes on; the operator gets in all the while", async () => {
  const nodes = (await stack.status()).nodes;
  const started = () => Promise.all(nodes.map(({ name }) => stack.output("ssh", name, "systemctl", "show", "--property=Id,InvocationID", ...units)));
  const [before, former] = [await started(), await credentials()];
  let refused = 0;
  await undisturbed("rotate ssh", async () => {
    let over = false;
    const operator = (async () => {
      while (!over) {
        const tries = [await logsIn("pi1"), await logsIn("pi1")];
        if (!tries.includes(true)) refused++;
      }
    })();
    try {
      const first = stack.start("rotate", "ssh");
      await sleep(20_000);
      first.child.kill("SIGINT");
      expect((await first.ended).code).toBe(130);
      expect((await stack.peak("rotate", "ssh")).code).toBe(0);
    } finally {
      over = true;
      await operator;
    }
  });
  expect(refused).toBe(0);
  expect(await started()).toEqual(before);
  await stack.settled();

  const now = await credentials();
  for (const { name, ula } of nodes) {
    const attempts = [now, { ...now, key: former.key }, { ...now, known: former.known }].map(({ key, known }) => {
      const options = [`UserKnownHostsFile=${known}`, "StrictHostKeyChecking=yes", `HostKeyAlias=${name}`, "IdentitiesOnly=yes", "BatchMode=yes"];
      return spawnSync("ssh", ["-F", "none", "-i", key, ...options.flatMap((option) => ["-o", option]), `root@${ula}`, "true"], { encoding: "utf8" });
    });
    expect(attempts.map(({ status, stderr }) => [status, /Permission denied|Host key verification failed/.exec(stderr)?.[0]])).toEqual([
      [0, undefined], [255, "Permission denied"], [255, "Host key verification failed"],
    ]);
  }
});

test("rotate tokens keeps the last step for later", async () => {
  await undisturbed("rotate tokens", async () => {
    const { code, stdout } = await stack.peak("rotate", "tokens");
    expect([code, stdout]).toEqual([0, expect.stringContaining("the last step is for after")]);
  });
  expect((await stack.start("rotate", "tokens").ended).code).toBe(2);
  await stack.settled();
});

test("images are pulled with the new password, by nodes that do not have them", async () => {
  const image = await stack.kubectl("get", "deployment", "-n", "echo", "echo", "-o", "jsonpath={.spec.template.spec.containers[0].image}");
  // No pod of echo's is on the steering host.
  expect(await stack.kubectl("get", "node", "pi1", "-o", "jsonpath={.status.images}")).not.toContain("/echo");
  const there = JSON.stringify({ spec: { nodeName: "pi1" } });
  await stack.kubectl("run", "pull", `--image=${image}`, `--overrides=${there}`, "--restart=Never", "--command", "--", "node", "--version");
  await stack.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s", "pod/pull");
  await stack.kubectl("delete", "pod", "pull", "--wait=false");
});

test("another up changes nothing", async () => {
  const { code, stderr } = await stack.peak("up");
  expect([code, stderr]).toEqual([0, expect.stringContaining("unchanged")]);
});
