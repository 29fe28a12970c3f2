import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { freePort } from "../../dns-server/testing/client.ts";
import { Folder, startPeakDns, type Program } from "./program.ts";

/** What dig and kdig see of EDNS: the tests that RFC 8906 section 8 gives for dig, and cookies. */

const zone = "$TTL 60\n@ SOA ns h 1 3600 600 86400 5\n@ NS ns\nns AAAA fd00::1\n";

describe.each(["batched", "plain"])("udp: %s", (udp) => {
  const folder = new Folder();
  let port: number;
  let server: Program;
  beforeAll(async () => {
    port = await freePort();
    folder.write("zone", zone);
    const zones = [{ origin: "example", file: "zone" }];
    server = await startPeakDns(folder, "server", { role: "zones", listen: [`127.0.0.1:${port}`], udp, nsid: "here", zones });
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });
  const ask = (tool: string, ...flags: string[]): string =>
    spawnSync(tool, ["@127.0.0.1", "-p", String(port), ...flags], { encoding: "utf8", timeout: 20_000 }).stdout;

  const soa = /\tSOA\t/;
  const opt = /EDNS: version: 0,/;
  /** Flags for dig, and what is or is not in what it prints. */
  const cases: readonly [flags: string, there: readonly RegExp[], absent: readonly RegExp[]][] = [
    ["+noedns +noad +norec", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
    ["+noedns +noad +norec -t TYPE1000", [/NOERROR/, /ANSWER: 0/, /flags: qr aa;/], [opt]],
    ["+noedns +noad +norec +cd", [/NOERROR/, soa, /flags: qr aa/], [opt, / ad/]],
    ["+noedns +norec +ad", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
    ["+noedns +noad +norec +zflag", [/NOERROR/, soa, /flags: qr aa;/], [opt, /MBZ/]],
    ["+noedns +noad +rec", [/NOERROR/, soa, /flags: qr aa rd;/], [opt]],
    ["+noedns +noad +norec +opcode=15 +header-only", [/NOTIMP/, /opcode: RESERVED15/, /flags: qr;/], [opt, soa]],
    ["+noedns +noad +norec +tcp", [/NOERROR/, soa, /flags: qr aa;/], [opt]],
    ["+edns=0 +nocookie +noad +norec", [/NOERROR/, soa, opt, /flags: qr aa;/], []],
    ["+edns=1 +noednsneg +nocookie +noad +norec", [/BADVERS/, opt], [soa]],
    ["+edns=0 +nocookie +noad +norec +ednsopt=100", [/NOERROR/, soa, opt], [/OPT=100/]],
    ["+edns=1 +noednsneg +nocookie +noad +norec +ednsopt=100", [/BADVERS/, opt], [soa, /OPT=100/]],
    ["+edns=0 +nocookie +noad +norec +ednsflags=0x40", [/NOERROR/, soa, opt], [/MBZ/]],
    ["+edns=1 +noednsneg +nocookie +noad +norec +ednsflags=0x40", [/BADVERS/, opt], [soa, /MBZ/]],
    ["+edns=0 +nocookie +noad +norec +dnssec", [/NOERROR/, soa, /EDNS: version: 0, flags: do;/], []],
    ["+edns=1 +noednsneg +nocookie +noad +norec +dnssec", [/BADVERS/, opt], [soa]],
    ["+edns=0 +cookie +noad +norec +nsid +expire +subnet=0.0.0.0/0", [/NOERROR/, soa, opt, /NSID: 68 65 72 65 /, /COOKIE: \S+ \(good\)/], []],
    ["+edns=0 +nocookie +noad +norec +opcode=15", [/NOTIMP/, opt], [soa]],
    ["-q elsewhere +nocookie +norec", [/REFUSED/, /EDE: 20 \(Not Authoritative\)/], [soa]],
  ];
  test.skipIf(!which("dig")).each(cases)("dig %s", (flags, there, absent) => {
    const name = flags.includes("-q ") ? [] : ["-q", "example"];
    const output = ask("dig", "+tries=1", "-t", "SOA", ...name, ...flags.split(" "));
    for (const pattern of there) expect(output).toMatch(pattern);
    for (const pattern of absent) expect(output).not.toMatch(pattern);
  });

  test.skipIf(!which("dig"))("a cookie comes back to dig renewed, whatever its server part; a wrong length is FORMERR", () => {
    const ours = "0102030405060708";
    const cookieOf = (output: string): string | undefined => /COOKIE: ([0-9a-f]+) \(good\)/.exec(output)?.[1];
    const first = cookieOf(ask("dig", "example", "SOA", `+cookie=${ours}`));
    expect(first).toMatch(new RegExp(`^${ours}01000000[0-9a-f]{24}$`));
    for (const cookie of [first!, `${ours}${"ab".repeat(16)}`, `${ours}${"ab".repeat(8)}`, `${ours}${"ab".repeat(32)}`])
      expect(cookieOf(ask("dig", "example", "SOA", `+cookie=${cookie}`)), cookie).toMatch(new RegExp(`^${ours}01000000`));
    for (const length of [0, 7, 9, 15, 41])
      expect(ask("dig", "example", "SOA", "+nocookie", "+tries=1", `+ednsopt=10:${"01".repeat(length)}`), String(length)).toMatch(/FORMERR/);
  });

  test.skipIf(!which("kdig"))("kdig takes the cookie, and shows it again", () => {
    const cookieOf = (output: string): string | undefined => /COOKIE: ([0-9A-F]{48})\b/.exec(output)?.[1];
    const cookie = cookieOf(ask("kdig", "example", "SOA", "+cookie"))!;
    expect(cookieOf(ask("kdig", "example", "SOA", `+cookie=${cookie}`))?.slice(0, 16)).toBe(cookie.slice(0, 16));
  });
});

test.skipIf(!which("dig"))("an asker with a cookie of this server has no rate limit, one with another's has", async () => {
  const folder = new Folder();
  folder.write("zone", zone);
  const port = await freePort();
  const config = { role: "zones", listen: [`127.0.0.1:${port}`], rateLimit: { rate: 1, slip: 1 }, zones: [{ origin: "example", file: "zone" }] };
  let server = await startPeakDns(folder, "server", config);
  try {
    const ask = (cookie: string): string =>
      spawnSync("dig", ["@127.0.0.1", "-p", String(port), "+ignore", `+cookie=${cookie}`, "example", "SOA"], { encoding: "utf8" }).stdout;
    const truncated = (cookie: string): number => Array.from({ length: 6 }, () => ask(cookie)).filter((output) => / tc/.test(output)).length;
    const cookie = /COOKIE: ([0-9a-f]+)/.exec(ask("0102030405060708"))![1]!;
    expect(truncated(cookie)).toBe(0);
    expect(truncated(`${cookie.slice(0, -2)}${cookie.endsWith("00") ? "01" : "00"}`)).toBeGreaterThan(2);
    // a restarted server has another secret; what it gives even in a truncated answer is good again
    await server.stop();
    server = await startPeakDns(folder, "server", config);
    ask(cookie);
    expect(truncated(cookie)).toBeGreaterThan(2);
    expect(truncated(/COOKIE: ([0-9a-f]+)/.exec(ask(cookie))![1]!)).toBe(0);
  } finally {
    await server.stop();
    folder.remove();
  }
});
