import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, freePort } from "../../dns-server/testing/client.ts";
import type { Endpoint } from "../../dns-server/wire/endpoint.ts";
import { provideDnsClients } from "./dns-clients.ts";
import { Folder, startPeakDns, type Program } from "./program.ts";

/** The controllers that Kubernetes users point at a DNS server: external-dns and cert-manager change our zone by DNS UPDATE. */

const secret = Buffer.alloc(32, 9).toString("base64");
const folder = new Folder();
let program: string;
let server: Program | undefined;
let endpoint: Endpoint;

beforeAll(async () => {
  program = await provideDnsClients();
  endpoint = { address: "127.0.0.1", port: await freePort() };
  server = await startPeakDns(folder, "root", {
    role: "root",
    listen: [`127.0.0.1:${endpoint.port}`],
    zone: "peak.",
    records: "$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 5\n@ NS ns1\nns1 AAAA fd53::1\nkept AAAA fd53::2\n",
    keys: ["external-dns", "cert-manager"].map((name) => ({ name, secret })),
    updates: {
      journal: "journal",
      grants: [
        { key: "external-dns", names: ["*.apps.peak."], types: ["A", "AAAA", "CNAME", "TXT"] },
        { key: "cert-manager", names: ["_acme-challenge.peak."], types: ["TXT"] },
      ],
    },
    transfer: { keys: ["external-dns"] },
  });
});
afterAll(async () => {
  await server?.stop();
  folder.remove();
});

const answers = async (name: string, type: string): Promise<unknown[]> =>
  ((await ask(endpoint, name, type)).answers ?? []).map((record) => ("data" in record ? String(record.data) : record)).toSorted();

describe("external-dns", () => {
  const run = (...endpoints: { dnsName: string; recordType: string; targets: string[]; recordTTL?: number }[]): SpawnSyncReturns<string> => {
    const provider = ["--provider=rfc2136", "--source=fake", "--rfc2136-host=127.0.0.1", `--rfc2136-port=${endpoint.port}`, "--rfc2136-zone=peak"];
    const key = ["--rfc2136-tsig-keyname=external-dns", `--rfc2136-tsig-secret=${secret}`, "--rfc2136-tsig-secret-alg=hmac-sha256"];
    const rest = ["--rfc2136-axfr", "--txt-owner-id=test", "--domain-filter=peak", "--policy=sync"];
    const input = JSON.stringify(endpoints);
    return spawnSync(program, ["external-dns", ...provider, ...key, ...rest], { input, encoding: "utf8", timeout: 60_000 });
  };
  const web = { dnsName: "web.apps.peak", recordType: "AAAA", targets: ["2001:db8::1", "2001:db8::2"], recordTTL: 30 };

  test("creates, finds by AXFR what it has created, changes and deletes it", async () => {
    const created = run(web, { dnsName: "shop.apps.peak", recordType: "CNAME", targets: ["web.apps.peak"] });
    expect(created.stdout, created.stderr).toContain("create 2, update 0, delete 0");
    expect(created.status, created.stderr).toBe(0);
    expect(await answers("web.apps.peak", "AAAA")).toEqual(["2001:db8::1", "2001:db8::2"]);
    expect(await answers("shop.apps.peak", "CNAME")).toEqual(["web.apps.peak"]);

    const again = run(web, { dnsName: "shop.apps.peak", recordType: "CNAME", targets: ["web.apps.peak"] });
    expect(again.stdout, again.stderr).toContain("create 0, update 0, delete 0");

    const changed = run({ ...web, targets: ["2001:db8::2", "2001:db8::3"] });
    expect(changed.stdout, changed.stderr).toContain("create 0, update 1, delete 1");
    expect(changed.status, changed.stderr).toBe(0);
    expect(await answers("web.apps.peak", "AAAA")).toEqual(["2001:db8::2", "2001:db8::3"]);
    expect(await answers("shop.apps.peak", "CNAME")).toEqual([]);

    expect(run().status).toBe(0);
    expect(await answers("web.apps.peak", "AAAA")).toEqual([]);
    expect(await answers("kept.peak", "AAAA")).toEqual(["fd53::2"]);
  });

  test("is refused outside what its key was granted", async () => {
    const { status, stderr } = run({ ...web, dnsName: "web.peak" });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/REFUSED/);
    expect(await answers("web.peak", "AAAA")).toEqual([]);
  });
});

describe("cert-manager", () => {
  const run = (verb: "present" | "cleanup", fqdn: string, value: string): SpawnSyncReturns<string> => {
    const key = ["HMACSHA256", "cert-manager", secret];
    const args = ["cert-manager", verb, `127.0.0.1:${endpoint.port}`, ...key, fqdn, "peak.", value];
    return spawnSync(program, args, { encoding: "utf8", timeout: 60_000 });
  };

  test("shows a challenge beside another one, and cleans up its own", async () => {
    for (const value of ["one", "two"]) {
      const { status, stderr } = run("present", "_acme-challenge.peak.", value);
      expect(status, stderr).toBe(0);
    }
    expect(await answers("_acme-challenge.peak", "TXT")).toEqual(["one", "two"]);
    expect(run("cleanup", "_acme-challenge.peak.", "one").status).toBe(0);
    expect(await answers("_acme-challenge.peak", "TXT")).toEqual(["two"]);
    expect(run("cleanup", "_acme-challenge.peak.", "two").status).toBe(0);
    expect(await answers("_acme-challenge.peak", "TXT")).toEqual([]);
  });

  test("is refused for a name that its key was not granted", () => {
    const { status, stderr } = run("present", "_acme-challenge.other.peak.", "x");
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/REFUSED/);
  });
});
