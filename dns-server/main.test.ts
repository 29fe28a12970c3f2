import { spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { ask, eventually } from "./testing/client.ts";
import { serveCommand, type Serving } from "./testing/command.ts";

const main = join(import.meta.dirname, "main.ts");
const folder = mkdtempSync(join(tmpdir(), "peakdns-main-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const zoneText = (address: string): string => `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns AAAA ${address}\n`;
const good = file("good.zone", zoneText("2001:db8::1"));
const bad = file("bad.zone", `${zoneText("2001:db8::1")}a CNAME b\na TXT x\n\nx A 1.2.3\n`);

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });

test.each([[], ["bogus"], ["serve", "--bogus"], ["check-zone"]])("what is asked for wrongly ends with the usage and exit code 2: %s", (...args) =>
  expect(run(...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("Usage: peakdns") as string }));

test("a server that does not answer is nobody's wrong question: exit code 1", () =>
  expect(run("allow", "2001:db8::/48", "--control", join(folder, "none.sock"))).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringMatching(/^peakdns: no server listens on .*none\.sock/) as string,
  }));

describe("check-zone", () => {
  test("a usable zone", () =>
    expect(run("check-zone", "example", good)).toMatchObject({ status: 0, stdout: "zone example. is usable: 2 names\n", stderr: "" }));
  test("every error with file and line, exit code 2", () => {
    const { status, stderr } = run("check-zone", "example", bad);
    expect(status).toBe(2);
    expect(stderr).toContain(`${bad}:8: error: "1.2.3" is not an IPv4 address`);
    expect(stderr).toContain(`${bad}:5: error: a.example. has a CNAME and other data (TXT)`);
  });
  test("a file that is not there", () =>
    expect(run("check-zone", "example", "/nowhere").stderr).toMatch(/^peakdns: cannot read the zone: ENOENT/));
});

describe("check-config", () => {
  const root = (more: string, listen = '["[::1]:53"]'): string =>
    `role: root\nlisten: ${listen}\nzone: peak\nrecords: "@ 5 SOA ns h 1 2 3 4 5\\n@ 5 NS ns"\n${more}\n`;
  test.each([
    ['role: root\nlisten: ["[::1]:53"]\nzone: peak\nrecords: ""\nextra: 1\n', 'Unrecognized key: "extra"'],
    ['role: root\nlisten: ["::1:53"]\nzone: peak\nrecords: ""\n', 'key listen[0]: "::1:53" is not [IPV6]:PORT or IPV4:PORT'],
    ['role: root\nlisten: ["[::1]:53"]\nzone: peak\n', "give either records (master-file text) or file (its path)"],
    [
      'role: cluster\nlisten: ["[::1]:53"]\nzone: peak\nnameServers: [{name: "a..b"}]\n',
      'key nameServers[0].name: empty label in name "a..b"',
    ],
    ['role: zones\nlisten: ["[::1]:53"]\nzones: [{origin: a, file: x}, {origin: A., file: y}]\n', "key zones: a zone is given twice"],
    [
      'role: cluster\nlisten: ["[::1]:53"]\nzone: peak\nnameServers: [{name: a}]\nprometheus: {url: "https://x", tokenFile: missing}\n',
      "prometheus.tokenFile: cannot be read: ENOENT",
    ],
    ["role: [\n", "at line"],
    [root("", '["[::1]:53", "127.0.0.1:53", "[::1]:53"]'), "key listen: an address is given twice"],
    [root("keys: [{name: k, secret: YQ==}, {name: K., secret: Yg==}]"), "key keys: a key is given twice"],
    [root("tls: {certificate: missing, key: missing, listen: ['[::1]:853']}"), "missing are no certificate and its key: ENOENT"],
    [
      root("keys: [{name: k, secret: YQ==}]\nupdates: {journal: j, grants: [{key: k, names: ['*.peak', a.other], types: [A]}]}"),
      "key updates.grants[0].names: a.other. is out of the zone peak.",
    ],
    [
      root("delegations: {a.b: [{name: ns.peak, addresses: ['::1']}, {name: ns.other}, {name: ns.other, addresses: ['::1']}]}"),
      "key delegations.a.b[2]: ns.other. is out of the zone peak.: leave out its addresses",
    ],
    [
      'role: secondary\nlisten: ["[::1]:53"]\nzones: [{origin: a, primaries: ["[::1]:54"], dnssec: {keys: [missing.pem]}}]\n',
      "cannot read the key: ENOENT",
    ],
    [
      'role: cluster\nlisten: ["[::1]:53"]\nzone: peak\nnameServers: [{name: ns}]\nkubernetes: {kubeconfig: missing}\n',
      "kubernetes.kubeconfig: no file",
    ],
    [`role: zones\nlisten: ["[::1]:53"]\nzones: [{origin: example, file: bad.zone}]\n`, "bad.zone:5: error:"],
  ])("%j", (text, message) => {
    const { status, stderr } = run("check-config", file("config.yaml", text));
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
  test("a usable one", () => {
    const config = file("config.yaml", 'role: zones\nlisten: ["[::1]:53"]\nzones: [{origin: example, file: good.zone}]\n');
    expect(run("check-config", config)).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("keygen", () => {
  test("tsig prints a key as the configuration has it", () => {
    const { status, stdout } = run("keygen", "tsig", "Admin");
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^- name: admin\.\n  algorithm: hmac-sha256\n  secret: [\w+/]{43}=\n$/)]);
  });
  test("dnssec writes a key file that a configuration can name, once, and prints what the parent needs", () => {
    const path = join(folder, "good.pem");
    const { status, stdout } = run("keygen", "dnssec", "example", path);
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^example\. 3600 IN DNSKEY 257 3 13 \S+\nexample\. 3600 IN DS \d+ 13 2 [0-9a-f]{64}\n$/),
    ]);
    expect(run("keygen", "dnssec", "example", path)).toMatchObject({ status: 2, stderr: expect.stringContaining("EEXIST") as string });
    const config = (keys: string): string =>
      file("signed.yaml", `role: zones\nlisten: ["[::1]:53"]\nzones: [{origin: example, file: good.zone, dnssec: {keys: [${keys}]}}]\n`);
    expect(run("check-config", config("good.pem"))).toMatchObject({ status: 0, stderr: "" });
    expect(run("check-config", config("good.zone"))).toMatchObject({ status: 2, stderr: expect.stringContaining("has no usable key") as string });
  });
});

describe("serve", () => {
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill("SIGKILL"));

  const serve = (...args: string[]): Promise<Serving> => serveCommand(args, (started) => (child = started));

  test("zones from flags; SIGHUP reads them again, a bad one leaves the old; SIGTERM stops it", async () => {
    const zone = file("live.zone", zoneText("2001:db8::1"));
    const { endpoint, process: server, lines } = await serve("--zone", `example=${zone}`, "--listen", "[::1]:0");
    const address = async (): Promise<unknown> =>
      (await ask(endpoint, "ns.example", "AAAA")).answers?.map((record) => (record as { data?: unknown }).data).join();
    expect(await address()).toBe("2001:db8::1");
    file("live.zone", zoneText("2001:db8::2"));
    server.kill("SIGHUP");
    await eventually(address, (now) => now === "2001:db8::2");
    file("live.zone", "nonsense");
    server.kill("SIGHUP");
    await eventually(
      () => lines.join(),
      (text) => text.includes("the old configuration stays in force"),
    );
    expect(await address()).toBe("2001:db8::2");
    server.kill("SIGTERM");
    expect(await once(server, "exit")).toEqual([0, null]);
  });

  test("a port that is in use is one line and exit code 2", async () => {
    const { endpoint } = await serve("--zone", `example=${good}`, "--listen", "[::1]:0");
    const { status, stderr } = run("serve", "--zone", `example=${good}`, "--listen", `[::1]:${endpoint.port}`);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^peakdns: listen EADDRINUSE: .*\n$/)]);
  });

  test("flags that do not go together", () => {
    expect(run("serve").stderr).toContain("give --config FILE, or at least one --zone");
    expect(run("serve", "--config", "x", "--listen", "[::1]:0").stderr).toContain("give either --config, or --zone and --listen");
    expect(run("serve", "--zone", "x", "--listen", "[::1]:0").stderr).toContain("--zone x: must be ORIGIN=FILE");
    expect(run("serve", "--zone", "x=y", "--listen", "nowhere").stderr).toContain('--listen: "nowhere" is not');
  });
});
