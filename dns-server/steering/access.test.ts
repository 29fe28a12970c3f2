import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeCertificate } from "../testing/certificate.ts";
import { eventually } from "../testing/client.ts";
import { FakePrometheus, type FakeDoor } from "../testing/fake-prometheus.ts";
import type { AccessSettings } from "./access.ts";
import { Prometheus, type QueryError } from "./prometheus.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peakdns-access-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
});

const file = (name: string, text: string): string => {
  // as what renews secrets does: a reader never sees half of it
  writeFileSync(join(folder, `${name}.new`), text);
  renameSync(join(folder, `${name}.new`), join(folder, name));
  return join(folder, name);
};

async function start(door: FakeDoor): Promise<FakePrometheus> {
  const fake = new FakePrometheus(() => [[{ pod: "a" }, "1"]], door);
  await fake.start();
  cleanups.push(() => fake.stop());
  return fake;
}

function client({ url }: { readonly url: string }, access: Omit<AccessSettings, "url"> = {}): Prometheus {
  const prometheus = new Prometheus({ url, timeout: 2, parallel: 2, ...access });
  cleanups.push(() => prometheus.close());
  return prometheus;
}

/** `ok`, or why not. */
const outcome = (prometheus: Prometheus): Promise<string> =>
  prometheus.query("up").then(
    () => "ok",
    ({ reason, message }: QueryError) => `${reason}: ${message}`,
  );

async function certificate(name: string): Promise<{ certificate: string; key: string; pem: string }> {
  mkdirSync(join(folder, name), { recursive: true });
  return writeCertificate(join(folder, name), "::1");
}

const asked = (fits: (headers: IncomingMessage["headers"]) => boolean): FakeDoor => ({ admits: ({ headers }) => fits(headers) });
const basic = (text: string): FakeDoor => asked(({ authorization }) => authorization === `Basic ${Buffer.from(text).toString("base64")}`);

describe("a Prometheus is asked with", () => {
  test("user and password, of which a line's end is none", async () => {
    const fake = await start(basic("peak:pä:ss "));
    expect(await outcome(client(fake, { user: "peak", passwordFile: file("password", "pä:ss \n") }))).toBe("ok");
    expect(await outcome(client(fake))).toMatch(/^unauthorized: HTTP status 401: see prometheus.user and passwordFile, tokenFile/);
  });

  test("a bearer token, which is read again when it changes; one that is not usable leaves the old", async () => {
    let token = "first-1";
    const fake = await start(asked(({ authorization }) => authorization === `Bearer ${token}`));
    const prometheus = client(fake, { tokenFile: file("token", "first-1\n") });
    expect(await outcome(prometheus)).toBe("ok");
    rmSync(join(folder, "token"));
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await outcome(prometheus)).toBe("ok");
    token = "second-2";
    expect(await outcome(prometheus)).toMatch(/^unauthorized/);
    file("token", "second-2\n");
    await eventually(
      () => outcome(prometheus),
      (now) => now === "ok",
    );
  });

  test("a tenant", async () => {
    const fake = await start(asked((headers) => headers["x-scope-orgid"] === "team-a|team-b"));
    expect(await outcome(client(fake, { tenant: "team-a|team-b" }))).toBe("ok");
    expect(await outcome(client(fake))).toMatch(/^unauthorized/);
  });

  test("TLS, and an authority that may vouch for it", async () => {
    const { certificate: cert, key } = await certificate("server");
    const fake = await start({ tls: { cert: readFileSync(cert), key: readFileSync(key) } });
    expect(await outcome(client(fake, { ca: cert }))).toBe("ok");
    expect(await outcome(client(fake))).toMatch(/^tls: self-signed certificate: see prometheus.ca/);
    const other = await certificate("other");
    expect(await outcome(client(fake, { ca: other.certificate }))).toMatch(/^tls: /);
  });

  test("a client certificate, which is read again when it changes", async () => {
    const server = await certificate("server");
    const first = await certificate("first");
    const second = await certificate("second");
    const tls = { cert: readFileSync(server.certificate), key: readFileSync(server.key), requestCert: true, rejectUnauthorized: true };
    const fake = await start({ tls: { ...tls, ca: second.pem } });
    const own = { certificate: file("cert", first.pem), key: file("key", readFileSync(first.key, "utf8")) };
    const prometheus = client(fake, { ca: server.certificate, ...own });
    expect(await outcome(prometheus)).not.toBe("ok");
    file("cert", second.pem);
    file("key", readFileSync(second.key, "utf8"));
    await eventually(
      () => outcome(prometheus),
      (now) => now === "ok",
    );
    expect(await outcome(client(fake, { ca: server.certificate }))).not.toBe("ok");
  });
});

describe("a file that is not usable is named", () => {
  test.each<[string, Omit<AccessSettings, "url">, RegExp]>([
    ["not there", { user: "a", passwordFile: "/nowhere" }, /^prometheus.passwordFile: cannot be read: ENOENT/],
    ["empty password", { user: "a", passwordFile: "empty" }, /^prometheus.passwordFile: .*empty must be one line, the password$/],
    ["several lines", { user: "a", passwordFile: "lines" }, /^prometheus.passwordFile: .*lines must be one line, the password$/],
    ["no token", { tokenFile: "lines" }, /^prometheus.tokenFile: .*lines must be one line, the bearer token alone$/],
    ["no authority", { ca: "lines" }, /^prometheus.ca: .*lines has no certificate; it must be in PEM$/],
    ["a broken authority", { ca: "broken" }, /^prometheus.ca: .*broken has a certificate that cannot be read/],
    ["no key", { certificate: "cert", key: "lines" }, /^prometheus.certificate: .*cert and .*lines are no certificate and its key/],
    ["the key of another", { certificate: "cert", key: "other" }, /^prometheus.certificate: .*cert and .*other are no certificate and its key/],
  ])("%s", async (_, settings, message) => {
    file("empty", "\n");
    file("lines", "a\r\nb\n");
    file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    file("cert", (await certificate("one")).pem);
    file("other", readFileSync((await certificate("two")).key, "utf8"));
    const inFolder = Object.entries(settings).map(([key, name]) => [key, key === "user" ? name : join(folder, name!)]);
    const access = { ...(Object.fromEntries(inFolder) as typeof settings), ...(settings.passwordFile === "/nowhere" ? settings : {}) };
    expect(() => new Prometheus({ url: "https://[::1]:1", timeout: 1, parallel: 1, ...access })).toThrow(message);
  });
});

test("a server that leads elsewhere is not followed: credentials go nowhere else", async () => {
  const fake = new FakePrometheus(() => ({ status: 307, body: "" }));
  await fake.start();
  cleanups.push(() => fake.stop());
  expect(await outcome(client(fake))).toMatch(/^status: HTTP status 307, to .*: give that as prometheus.url/);
});
