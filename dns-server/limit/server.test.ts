import dnsPacket from "dns-packet";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { encodeQuery, eventually, exchangeTcp, exchangeUdp } from "../testing/client.ts";
import { Rcode } from "../wire/constants.ts";

/** Limits as a server has them, on both ways of UDP, over TCP, and by the commands of an operator. */

const cleanups: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peakdns-limits-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const settings = (keys: object): string =>
  JSON.stringify({
    role: "root",
    listen: ["[::1]:0", "127.0.0.1:0"],
    zone: "peak",
    records: "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns AAAA ::1\nd DNAME ns\n",
    control: "control.sock",
    ...keys,
  });
async function start(keys: object): Promise<Server> {
  const file = join(folder, "config.yaml");
  writeFileSync(file, settings(keys));
  const server = await startServer(parseConfig(settings(keys), file));
  cleanups.push(() => server.close());
  return server;
}

/** Runs a command of an operator. */
async function run(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "../main.ts"), ...args, "--config", join(folder, "config.yaml")]);
  const [stdout, stderr, [status]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, "close")]);
  return { status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

const query = encodeQuery("ns.peak", "AAAA");
const rcode = (answer: Buffer): number => answer[3]! & 15;
const isSilent = async (asking: Promise<unknown>): Promise<boolean> =>
  asking.then(
    (answer) => Array.isArray(answer) && answer.length === 0,
    () => true,
  );

describe.each(process.platform === "linux" ? ["batched", "plain"] : ["plain"])("udp: %s", (udp) => {
  test("an operator refuses, drops and allows prefixes of a running server", async () => {
    const server = await start({ udp, refusals: "refusals.json" });
    const [ipv6, ipv4] = [server.endpoints[0]!, server.endpoints[1]!];
    expect(rcode(await exchangeUdp(ipv6, query))).toBe(Rcode.NOERROR);

    expect(await run("refuse", "::1", "--for", "1h")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^::1\/128\trefuse\t20.*Z\n$/),
    });
    // by the tables, and by the general path
    for (const asked of [query, encodeQuery("x.d.peak", "AAAA")])
      await eventually(
        async () => rcode(await exchangeUdp(ipv6, asked)),
        (code) => code === Rcode.REFUSED,
      );
    expect((await exchangeTcp(ipv6, [query, query])).map(rcode)).toEqual([Rcode.REFUSED, Rcode.REFUSED]);
    expect(rcode(await exchangeUdp(ipv4, query))).toBe(Rcode.NOERROR);

    expect((await run("refuse", "127.0.0.0/8", "--drop")).stdout).toBe("127.0.0.0/8\tdrop\tfor good\n");
    await eventually(
      () => isSilent(exchangeUdp(ipv4, query, 100)),
      (silent) => silent,
    );
    expect(await isSilent(exchangeTcp(ipv4, [query]))).toBe(true);
    expect((await run("refusals")).stdout.split("\n")).toEqual([
      expect.stringContaining("::1/128"),
      expect.stringContaining("127.0.0.0/8"),
      "",
    ]);
    expect(JSON.parse((await run("refusals", "--json")).stdout)).toEqual([
      { prefix: "::1/128", action: "refuse", until: expect.stringMatching(/Z$/) as string },
      { prefix: "127.0.0.0/8", action: "drop" },
    ]);

    expect((await run("allow", "::1")).stdout).toBe("::1/128 is answered again\n");
    await eventually(
      async () => rcode(await exchangeUdp(ipv6, query)),
      (code) => code === Rcode.NOERROR,
    );
    // what is left is still there after a restart
    await server.close();
    const again = await start({ udp, refusals: "refusals.json" });
    expect(await isSilent(exchangeUdp(again.endpoints[1]!, query, 100))).toBe(true);
  });

  test("beyond the rate answers are truncated or not sent; another configuration lifts it", async () => {
    const server = await start({ udp, rateLimit: { rate: 1, slip: 2 } });
    const socket = createSocket("udp6");
    cleanups.push(() => socket.close());
    const answers: Buffer[] = [];
    socket.on("message", (message) => answers.push(message));
    for (let i = 0; i < 25; i++) socket.send(i % 2 === 0 ? query : encodeQuery("x.d.peak", "AAAA"), server.endpoints[0]!.port, "::1");
    await eventually(
      () => answers.length,
      (count) => count === 13,
    );
    const slipped = answers.filter((answer) => dnsPacket.decode(answer).flag_tc);
    expect(slipped).toHaveLength(12);
    // over TCP the source is proven
    expect(
      await exchangeTcp(
        server.endpoints[0]!,
        Array.from({ length: 50 }, () => query),
      ),
    ).toHaveLength(50);
    await server.reload(parseConfig(settings({ udp }), join(folder, "config.yaml")));
    answers.length = 0;
    await eventually(
      async () => {
        answers.length = 0;
        for (let i = 0; i < 20; i++) socket.send(query, server.endpoints[0]!.port, "::1");
        await new Promise((resolve) => setTimeout(resolve, 200));
        return answers.filter((answer) => !dnsPacket.decode(answer).flag_tc).length;
      },
      (count) => count === 20,
    );
  });
});

test("limits show in the metrics", async () => {
  const server = await start({ http: "[::1]:0", connections: { perSource: 1 }, rateLimit: { rate: 1, slip: 1 } });
  await run("refuse", "127.0.0.1");
  expect(rcode((await exchangeTcp(server.endpoints[1]!, [query]))[0]!)).toBe(Rcode.REFUSED);
  await exchangeUdp(server.endpoints[0]!, query);
  expect(dnsPacket.decode(await exchangeUdp(server.endpoints[0]!, query)).flag_tc).toBe(true);
  const text = await (await fetch(`http://[::1]:${server.http!.port}/metrics`)).text();
  for (const line of [
    'peakdns_refusals_total{action="refuse"} 1',
    'peakdns_rate_limited_total{action="slip"} 1',
    "peakdns_connections_rejected_total 0",
    "peakdns_tls_handshakes_failed_total 0",
  ])
    expect(text).toContain(`${line}\n`);
});

test.each([
  [["refuse", "10.0.0.0/33"], "has no length from 0 to 32"],
  [["refuse", "nonsense"], '"nonsense" is not ADDRESS/LENGTH'],
  [["refuse", "::/0", "--for", "soon"], "--for soon: must be a number and s, m, h or d, such as 1h"],
  [["allow", "2001:db8::/32"], "2001:db8::/32 itself is not refused"],
])("%j is one message", async (args, message) => {
  await start({});
  const { status, stderr } = await run(...args);
  expect([status, stderr]).toEqual([2, expect.stringMatching(/^peakdns: .*\n$/)]);
  expect(stderr).toContain(message);
});
