// Rotation of every kind of key while a client asks and an operator works. The tests build on one another, in this order.
import { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = new Stack();
  expect((await stack.peak("up")).code).toBe(0);
  await stack.settled();
});
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

/** Does something while names are asked for, pods are asked, and the API server is. @returns how long that was away at most */
async function undisturbed(what: string, work: () => Promise<void>): Promise<number> {
  const traffic = await stack.traffic(what);
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
  return gap;
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
      expect([0, 130]).toContain((await first.ended).code);
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
  await stack.kubectl("run", "pull", `--image=${image}`, "--image-pull-policy=Always", "--restart=Never");
  await stack.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod/pull");
  await stack.kubectl("delete", "pod", "pull", "--wait=false");
});

test("another up changes nothing", async () => {
  const { code, stderr } = await stack.peak("up");
  expect([code, stderr]).toEqual([0, expect.stringContaining("unchanged")]);
});
