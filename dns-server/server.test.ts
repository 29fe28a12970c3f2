import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import dnsPacket from "dns-packet";
import { parseConfig } from "./config/config.ts";
import type { Config } from "./config/roles.ts";
import { startServer, type Server } from "./server.ts";
import { addressesIn, ask, encodeQuery, eventually, exchangeTcp, rcodeOf } from "./testing/client.ts";
import { startFakeApi, type FakeApiServer, fakePod } from "./testing/fake-api-server.ts";
import { Rcode } from "./wire/constants.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const defaults = { listen: ["[::1]:0"], http: "[::1]:0", zone: "peak" };
async function start(yaml: object): Promise<Server> {
  const config = parseConfig(JSON.stringify({ ...defaults, ...yaml }), "test.yaml");
  const server = await startServer(config);
  cleanups.push(() => server.close());
  return server;
}

const records = '$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 5\n@ NS ns1\nns1 AAAA fd00::1\ntxt TXT "one" "two"\n';

describe("root role", () => {
  test("answers from its records, refers to clusters, refuses the rest", async () => {
    const server = await start({
      role: "root",
      records,
      delegations: {
        echo: [
          { name: "ns1.echo.peak", addresses: ["fd00::2"] },
          { name: "ns.other.peak", addresses: ["fd00::3"] },
        ],
      },
    });
    const at = server.endpoints[0]!;
    const referral = await ask(at, "Echo.peak", "AAAA");
    expect(rcodeOf(referral)).toBe(Rcode.NOERROR);
    expect(referral.flag_aa).toBe(false);
    expect(referral.questions).toMatchObject([{ name: "Echo.peak" }]);
    expect(referral.answers).toEqual([]);
    expect(referral.authorities).toHaveLength(2);
    expect(referral.additionals).toContainEqual(expect.objectContaining({ name: "ns1.Echo.peak", type: "AAAA", data: "fd00::2" }));
    const absent = await ask(at, "none.peak", "A");
    expect(rcodeOf(absent)).toBe(Rcode.NXDOMAIN);
    expect(absent.authorities).toMatchObject([{ name: "peak", type: "SOA", ttl: 5 }]);
    expect(rcodeOf(await ask(at, "example.org", "A"))).toBe(Rcode.REFUSED);
  });

  test("answers pipelined queries over TCP", async () => {
    const server = await start({ role: "root", records });
    const answers = await exchangeTcp(
      server.endpoints[0]!,
      [1, 2, 3].map((id) => encodeQuery("txt.peak", "TXT", id)),
    );
    expect(answers.map((answer) => dnsPacket.decode(answer).id)).toEqual([1, 2, 3]);
  });

  test("reports health and metrics", async () => {
    const server = await start({ role: "root", records });
    await ask(server.endpoints[0]!, "txt.peak", "TXT");
    const base = `http://[::1]:${server.http!.port}`;
    expect((await fetch(`${base}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('peakdns_queries_total{type="TXT",rcode="NOERROR",transport="udp"} 1');
  });
});

describe("cluster role", () => {
  let api: FakeApiServer;
  let kubeconfig: string;
  beforeEach(async () => {
    ({ api, kubeconfig } = await startFakeApi(cleanups));
  });
  const clusterConfig = (): object => ({
    ...defaults,
    role: "cluster",
    kubernetes: { kubeconfig },
    domains: ["fixed"],
    nameServers: [{ name: "ns1.cluster.peak", addresses: ["fd00::2"] }],
  });
  const startCluster = (): Promise<Server> => start(clusterConfig());
  const addresses = async (server: Server, name = "echo.peak"): Promise<string[]> =>
    addressesIn(await ask(server.endpoints[0]!, name, "AAAA"));

  test("says SERVFAIL and is not ready until the first list is complete", async () => {
    let open = (): void => {};
    api.listGate = new Promise((resolve) => (open = resolve));
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"] }));
    const server = await startCluster();
    const readyz = async (): Promise<number> => (await fetch(`http://[::1]:${server.http!.port}/readyz`)).status;
    expect(rcodeOf(await ask(server.endpoints[0]!, "echo.peak", "AAAA"))).toBe(Rcode.SERVFAIL);
    expect(rcodeOf(await ask(server.endpoints[0]!, "example.org", "AAAA"))).toBe(Rcode.REFUSED);
    expect(await readyz()).toBe(503);
    open();
    await eventually(readyz, (status) => status === 200);
    expect(await addresses(server)).toEqual(["fd00::a"]);
  });

  test("follows pods: only ready ones, by label or annotation", async () => {
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a", "192.0.2.1"] }));
    api.apply(fakePod("b", { annotation: "echo", domain: "other", addresses: ["fd00::b"] }));
    api.apply(fakePod("c", { domain: "echo", addresses: ["fd00::c"], ready: false }));
    api.apply(fakePod("d", { domain: "echo", addresses: ["fd00::d"], terminating: true }));
    api.apply(fakePod("e", { addresses: ["fd00::e"] }));
    const server = await startCluster();
    const settles = (expected: string[]): Promise<unknown> =>
      eventually(
        () => addresses(server),
        (found) => found.join() === expected.join(),
      );
    await settles(["fd00::a", "fd00::b"]);
    expect(addressesIn(await ask(server.endpoints[0]!, "echo.peak", "A"))).toEqual(["192.0.2.1"]);
    expect(rcodeOf(await ask(server.endpoints[0]!, "other.peak", "A"))).toBe(Rcode.REFUSED);

    api.apply(fakePod("c", { domain: "echo", addresses: ["fd00::c"] }));
    await settles(["fd00::a", "fd00::b", "fd00::c"]);
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"], terminating: true }));
    await settles(["fd00::b", "fd00::c"]);
    api.remove("default", "b");
    await settles(["fd00::c"]);
  });

  test("answers at the apex of each domain as a zone of its own", async () => {
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"] }));
    const server = await startCluster();
    const at = server.endpoints[0]!;
    await eventually(
      () => addresses(server),
      (found) => found.length === 1,
    );
    const nodata = await ask(at, "echo.peak", "MX");
    expect([rcodeOf(nodata), nodata.flag_aa]).toEqual([Rcode.NOERROR, true]);
    expect(nodata.authorities).toMatchObject([{ name: "echo.peak", type: "SOA", ttl: 5 }]);
    const below = await ask(at, "x.echo.peak", "AAAA");
    expect(rcodeOf(below)).toBe(Rcode.NXDOMAIN);
    expect(below.authorities).toMatchObject([{ name: "echo.peak", type: "SOA" }]);
    expect((await ask(at, "echo.peak", "NS")).answers).toMatchObject([{ data: "ns1.cluster.peak", ttl: 60 }]);
    const fixed = await ask(at, "fixed.peak", "AAAA");
    expect([rcodeOf(fixed), fixed.flag_aa, fixed.answers]).toEqual([Rcode.NOERROR, true, []]);
    expect(rcodeOf(await ask(at, "peak", "SOA"))).toBe(Rcode.REFUSED);
  });

  test("gives at most eight addresses, each pod equally often", async () => {
    for (let i = 0; i < 20; i++) api.apply(fakePod(`p${i}`, { domain: "echo", addresses: [`fd00::${i + 1}`] }));
    const server = await startCluster();
    await eventually(
      () => addresses(server),
      (found) => found.length === 8,
    );
    const seen = new Set<string>();
    await eventually(
      async () => {
        for (const address of await addresses(server)) seen.add(address);
        return seen.size;
      },
      (size) => size === 20,
    );
  });

  test("registers itself and its domains with the root, follows changes, and withdraws them at the end", async () => {
    const secret = Buffer.alloc(32, 1).toString("base64");
    const folder = mkdtempSync(join(tmpdir(), "peakdns-root-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const root = await start({
      role: "root",
      records,
      keys: [{ name: "c1", secret }],
      updates: { journal: join(folder, "journal"), grants: [{ key: "c1", delegateTo: ["ns1.cluster.peak", "ns2.cluster.peak"] }] },
    });
    const referral = async (name: string): Promise<string> => {
      const { authorities, additionals } = await ask(root.endpoints[0]!, name, "AAAA");
      return [...(authorities ?? []), ...(additionals ?? [])]
        .flatMap((record) => (record.type === "NS" || record.type === "AAAA" ? [record.data] : []))
        .join();
    };
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"] }));
    const cluster = await startServer(
      parseConfig(
        JSON.stringify({
          role: "cluster",
          listen: ["[::1]:0"],
          zone: "peak",
          kubernetes: { kubeconfig },
          nameServers: [
            { name: "ns1.cluster.peak", addresses: ["fd00::2"] },
            { name: "ns2.cluster.peak", addresses: ["fd00::3"] },
          ],
          register: { servers: [`[::1]:${root.endpoints[0]!.port}`], key: { name: "c1", secret }, as: ["ns1.cluster.peak"] },
        }),
        "test.yaml",
      ),
    );
    const closed = { cluster: false };
    cleanups.push(() => (closed.cluster ? undefined : cluster.close()));
    await eventually(
      () => referral("x.echo.peak"),
      (found) => found === "ns1.cluster.peak,fd00::2",
    );
    api.apply(fakePod("b", { domain: "web", addresses: ["fd00::b"] }));
    await eventually(
      () => referral("web.peak"),
      (found) => found === "ns1.cluster.peak,fd00::2",
    );
    api.remove("default", "a");
    await eventually(
      () => referral("echo.peak"),
      (found) => found === "",
    );
    closed.cluster = true;
    await cluster.close();
    expect(await referral("web.peak")).toBe("");
  });

  test("takes a later configuration while one waits for an API that does not answer", async () => {
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"] }));
    const server = await startCluster();
    await eventually(
      () => addresses(server),
      (found) => found.join() === "fd00::a",
    );
    const config = (ttl: number): Config => parseConfig(JSON.stringify({ ...clusterConfig(), ttl }), "test.yaml");
    let open = (): void => {};
    api.listGate = new Promise((resolve) => (open = resolve));
    const stuck = server.reload(config(7));
    const refused = expect(stuck).rejects.toThrow("a later one has come before it was complete");
    const later = server.reload(config(9));
    await refused;
    expect(await addresses(server)).toEqual(["fd00::a"]);
    open();
    await later;
    expect((await ask(server.endpoints[0]!, "echo.peak", "AAAA")).answers).toMatchObject([{ ttl: 9 }]);
  });

  test("freezes while the API is away, then catches up", async () => {
    api.apply(fakePod("a", { domain: "echo", addresses: ["fd00::a"] }));
    const server = await startCluster();
    await eventually(
      () => addresses(server),
      (found) => found.join() === "fd00::a",
    );
    await api.stop();
    const age = async (): Promise<number> => {
      const text = await (await fetch(`http://[::1]:${server.http!.port}/metrics`)).text();
      return Number(/^peakdns_view_age_seconds\{reason="(?:|reset|refused)"\} (.*)$/m.exec(text)![1]);
    };
    await eventually(age, (seconds) => seconds > 0);
    expect(await addresses(server)).toEqual(["fd00::a"]);
    api.apply(fakePod("b", { domain: "echo", addresses: ["fd00::b"] }));
    api.remove("default", "a");
    api.compact();
    await api.start();
    await eventually(
      () => addresses(server),
      (found) => found.join() === "fd00::b",
      1000,
    );
    await eventually(age, (seconds) => seconds === 0);
  });
});
