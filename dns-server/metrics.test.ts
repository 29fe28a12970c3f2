import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import { newKey, writeKeyFile } from "./dnssec/key.ts";
import { startServer, type Server } from "./server.ts";
import { ask, encodeQuery, exchangeUdp } from "./testing/client.ts";
import { EDNS_DO, Type } from "./wire/constants.ts";
import { parseName } from "./wire/name.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startSigned(more: object = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "peakdns-metrics-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  writeKeyFile(join(folder, "key.pem"), parseName("peak."), newKey());
  const config = {
    role: "root",
    listen: ["[::1]:0"],
    http: "[::1]:0",
    zone: "peak",
    records: "$TTL 60\n@ SOA ns1 hostmaster 1 60 10 604800 5\n@ NS ns1\nns1 AAAA ::1\n",
    dnssec: { keys: ["key.pem"] },
    ...more,
  };
  const server = await startServer(parseConfig(JSON.stringify(config), join(folder, "root.yaml")));
  cleanups.push(() => server.close());
  return server;
}

/** Values by series, without help and types. */
async function metricsOf({ http }: Server): Promise<Map<string, number>> {
  const text = await (await fetch(`http://[::1]:${http!.port}/metrics`)).text();
  return new Map([...text.matchAll(/^([^#].*) (\S+)$/gm)].map(([, series, value]) => [series!, Number(value)]));
}

test.runIf(process.platform === "linux")("time and size of some answers of worker threads", async () => {
  const server = await startSigned({ udp: "batched", dnssec: undefined });
  for (let i = 0; i < 65; i++) await ask(server.endpoints[0]!, "ns1.peak", "AAAA");
  const metrics = await metricsOf(server);
  const length = 12 + 10 + 4 + 28;
  expect(metrics.get("peakdns_sampled_answer_bytes_sum")).toBe(2 * length);
  const below = ["64", "128", "+Inf"].map((le) => metrics.get(`peakdns_sampled_answer_bytes_bucket{le="${le}"}`));
  expect([...below, metrics.get("peakdns_sampled_answer_bytes_count")]).toEqual([2, 2, 2, 2]);
  expect(metrics.get('peakdns_sampled_answer_seconds_bucket{le="+Inf"}')).toBe(2);
  expect(metrics.get("peakdns_sampled_answer_seconds_sum")).toBeGreaterThan(0);
});

test("signatures that were made, given again, and not made", async () => {
  const server = await startSigned({ udp: "plain" });
  const askSigned = async (name: string): Promise<void> => {
    const opt = Buffer.alloc(11);
    opt.writeUInt16BE(Type.OPT, 1);
    opt.writeUInt16BE(1232, 3);
    opt.writeUInt16BE(EDNS_DO, 7);
    const message = Buffer.concat([encodeQuery(name, "AAAA"), opt]);
    message.writeUInt16BE(1, 10);
    await exchangeUdp(server.endpoints[0]!, message);
  };
  for (let i = 0; i < 3; i++) await askSigned("ns1.peak");
  await askSigned("none.peak");
  const metrics = await metricsOf(server);
  const counts = ["made", "reused", "limited"].map((result) => metrics.get(`peakdns_signatures_total{result="${result}"}`));
  // an address, and the SOA and the NSEC of an absence
  expect([...counts, metrics.get("peakdns_signatures_kept")]).toEqual([3, 2, 0, 3]);
});

test("metrics are for the addresses that they are meant for, and health for all", async () => {
  const server = await startSigned({ udp: "plain", metricsFrom: ["2001:db8::/32"] });
  const status = async (path: string): Promise<number> => (await fetch(`http://[::1]:${server.http!.port}${path}`)).status;
  expect(await Promise.all(["/metrics", "/healthz", "/readyz"].map(status))).toEqual([403, 200, 200]);
});

test.each([
  [{}, "00002904d0000000000000"],
  [{ nsid: "one" }, "00002904d00000000000070003 0003 6f6e65".replaceAll(" ", "")],
])("a server says of itself what it is told to, and else nothing: %j", async (more, expected) => {
  const server = await startSigned({ udp: "plain", dnssec: undefined, ...more });
  const query = Buffer.concat([encodeQuery("ns1.peak", "AAAA"), Buffer.from("00002904d0000000000004 0003 0000".replaceAll(" ", ""), "hex")]);
  query.writeUInt16BE(1, 10);
  const answer = await exchangeUdp(server.endpoints[0]!, query);
  const opt = answer.subarray(answer.lastIndexOf(Buffer.from("000029", "hex"))).toString("hex");
  expect(opt).toBe(expected);
});
