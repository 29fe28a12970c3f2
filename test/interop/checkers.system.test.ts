import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { enterNamespace } from "./namespace.ts";
import { Folder, startPeakDns, type Program } from "./program.ts";

/** What zonemaster and dnsviz find in a signed zone of ours, on two name servers, and in the signed root above it. */

const servers = { root: "fd53::", ns1: "fd53::1", ns2: "fd53::2" } as const;
const main = join(import.meta.dirname, "../../dns-server/main.ts");
const folder = new Folder();
const running: Program[] = [];
let trustedKeys: string;

/** Makes a DNSSEC key. @returns what is printed of it: DNSKEY and DS records */
function makeKey(zone: string, file: string): { dnskey: string; ds: string } {
  const args = [main, "keygen", "dnssec", zone, join(folder.path, file)];
  const lines = spawnSync(process.execPath, args, { encoding: "utf8" }).stdout.split("\n");
  return { dnskey: lines.find((line) => line.includes(" DNSKEY "))!, ds: lines.find((line) => line.includes(" DS "))! };
}

beforeAll(async () => {
  enterNamespace(Object.values(servers));
  const root = makeKey(".", "root.pem");
  const pods = makeKey("pods.test.", "pods.pem");
  trustedKeys = folder.write("trusted-keys", [root.dnskey]);
  folder.write("hints", [". 3600 IN NS root.", `root. 3600 IN AAAA ${servers.root}`]);
  folder.write("root.zone", [
    ". 3600 IN SOA root. hostmaster.pods.test. 1 14400 3600 604800 300",
    ". 3600 IN NS root.",
    `root. 3600 IN AAAA ${servers.root}`,
    "pods.test. 3600 IN NS ns1.pods.test.",
    "pods.test. 3600 IN NS ns2.pods.test.",
    pods.ds,
    `ns1.pods.test. 3600 IN AAAA ${servers.ns1}`,
    `ns2.pods.test. 3600 IN AAAA ${servers.ns2}`,
  ]);
  const records = [
    "$TTL 3600",
    "@ SOA ns1 hostmaster 2026112101 14400 3600 604800 300",
    "@ NS ns1\n@ NS ns2",
    "@ MX 10 mail",
    '@ AAAA 2001:db8::1\n@ TXT "v=spf1 -all"',
    `ns1 AAAA ${servers.ns1}\nns2 AAAA ${servers.ns2}`,
    "mail AAAA 2001:db8::2\nwww CNAME @\n*.wild AAAA 2001:db8::3",
  ].join("\n");
  const rootZone = { origin: ".", file: "root.zone", dnssec: { keys: ["root.pem"] } };
  running.push(await startPeakDns(folder, "root", { role: "zones", listen: [`[${servers.root}]:53`], zones: [rootZone] }));
  for (const name of ["ns1", "ns2"] as const) {
    const config = { role: "root", listen: [`[${servers[name]}]:53`], zone: "pods.test.", records, dnssec: { keys: ["pods.pem"] } };
    running.push(await startPeakDns(folder, name, config));
  }
});
afterAll(async () => {
  await Promise.all(running.map((program) => program.stop()));
  folder.remove();
});

test.skipIf(!which("zonemaster-cli"))("zonemaster has nothing to say but that the addresses are of a test", () => {
  const flags = ["--no-ipv4", "--hints", join(folder.path, "hints"), "--level", "NOTICE", "--show-testcase"];
  const { status, stdout, stderr } = spawnSync("zonemaster-cli", [...flags, "--no-progress", "pods.test"], { encoding: "utf8", timeout: 120_000 });
  expect(status, stderr).toBe(0);
  const findings = stdout.split("\n").filter((line) => /^\s*[\d.]+ (CRITICAL|ERROR|WARNING|NOTICE)\b/.test(line));
  // unique local addresses without names in ip6.arpa, and none of IPv4
  const accepted = /\b(ADDRESS01|ADDRESS02|DELEGATION01)\b/;
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.filter((line) => !accepted.test(line))).toEqual([]);
});

describe.skipIf(!which("dnsviz"))("dnsviz", () => {
  // Debian's dnsviz asks its pygraphviz for a version in a way that this one does not know
  const shim = [
    "import runpy, sys, types, pygraphviz",
    "release = types.ModuleType('pygraphviz.release')",
    "release.version = pygraphviz.__version__",
    "sys.modules['pygraphviz.release'] = pygraphviz.release = release",
    "runpy.run_path('/usr/bin/dnsviz', run_name='__main__')",
  ].join("\n");
  const dnsviz = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync("/usr/bin/python3", ["-c", shim, ...args], { encoding: "utf8", timeout: 120_000, input: "" });
    expect(status, stderr).toBe(0);
    return stdout;
  };

  test("finds neither error nor warning, and every answer secure", () => {
    const probe = join(folder.path, "probe.json");
    const names = ["pods.test", "www.pods.test", "none.pods.test", "a.wild.pods.test", "ns1.pods.test"];
    const pods = `pods.test:ns1.pods.test=[${servers.ns1}],ns2.pods.test=[${servers.ns2}]`;
    // all its EDNS checks, each server asked directly
    dnsviz("probe", "-6", "-A", "-E", "-n", "-a", ".", "-x", `.+:root=[${servers.root}]`, "-x", pods, "-o", probe, ...names);
    expect(dnsviz("grok", "-l", "warning", "-t", trustedKeys, "-r", probe)).toBe("");
    const report = dnsviz("grok", "-l", "info", "-t", trustedKeys, "-r", probe);
    expect(report).not.toMatch(/"(INSECURE|BOGUS|LAME|INVALID|EXPIRED)/);
    expect([...report.matchAll(/"status": "SECURE"/g)].length).toBeGreaterThan(10);
  });
});
