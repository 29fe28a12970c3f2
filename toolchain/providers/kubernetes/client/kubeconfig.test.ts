import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { connect } from "./kubeconfig.ts";

const directory = mkdtempSync(join(tmpdir(), "peak-kubeconfig-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Parts {
  readonly name?: string;
  readonly cluster?: Record<string, unknown>;
  readonly user?: Record<string, unknown>;
  readonly current?: string;
}

function kubeconfig({ name = "a", cluster = {}, user = {}, current = name }: Parts = {}): string {
  return JSON.stringify({
    clusters: [{ name, cluster: { server: `https://${name}.test:6443/`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
    "current-context": current,
  });
}

const settings = (content: string, context?: string): Parameters<typeof connect>[0] => ({
  kubeconfig: content,
  context,
  cluster: undefined,
});

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

test("content and files are read, certificates beside a file included", async () => {
  file("ca.crt", "authority");
  const data = Buffer.from("key").toString("base64");
  const content = kubeconfig({ cluster: { "certificate-authority": "ca.crt" }, user: { "client-key-data": data, token: "t" } });
  const connection = await connect(settings(file("config", content)));
  expect(connection).toMatchObject({ server: "https://a.test:6443", namespace: "ns-a" });
  expect(connection.tls).toEqual({ ca: Buffer.from("authority"), key: Buffer.from("key") });
  expect(await connection.headers()).toEqual({ Authorization: "Bearer t" });
  expect((await connect(settings(kubeconfig()))).server).toBe("https://a.test:6443");
});

test("several files are one, and the first one's current context counts", async () => {
  const paths = [file("one", kubeconfig({ name: "one" })), file("two", kubeconfig({ name: "two" })), join(directory, "missing")];
  expect((await connect(settings(paths.join(delimiter)))).namespace).toBe("ns-one");
  expect((await connect(settings(paths.join(delimiter), "two"))).namespace).toBe("ns-two");
});

test("credential plugins, users and passwords, and impersonation authenticate", async () => {
  const credential = JSON.stringify({ status: { token: "from-exec", clientCertificateData: "c", clientKeyData: "k" } });
  const exec = { apiVersion: "client.authentication.k8s.io/v1", command: "printf", args: ["%s", credential] };
  const viaExec = await connect(settings(kubeconfig({ user: { exec } })));
  expect(await viaExec.headers()).toEqual({ Authorization: "Bearer from-exec" });
  expect(viaExec.tls).toEqual({ cert: "c", key: "k" });
  const viaPassword = await connect(settings(kubeconfig({ user: { username: "u", password: "p", as: "other" } })));
  expect(await viaPassword.headers()).toEqual({
    Authorization: `Basic ${Buffer.from("u:p").toString("base64")}`,
    "Impersonate-User": "other",
  });
});

test.each([
  [join(directory, "missing"), undefined, /no kubeconfig at .*missing; set kubernetes:kubeconfig/],
  [kubeconfig(), "b", /has no context "b" \(it has: a\)/],
  ["a: b: c\n", undefined, /is not YAML/],
  ["- a\n", undefined, /is not a kubeconfig/],
  [kubeconfig({ cluster: { "proxy-url": "http://proxy" } }), undefined, /proxy-url of cluster a is not supported/],
  [kubeconfig({ user: { "auth-provider": { name: "oidc", config: {} } } }), undefined, /auth-provider of user a is not supported/],
])("a faulty kubeconfig is explained", async (content, context, message) => {
  await expect(connect(settings(content, context))).rejects.toThrow(message);
});
