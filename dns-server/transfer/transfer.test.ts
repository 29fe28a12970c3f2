import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server as TcpServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import dnsPacket from "dns-packet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseConfig } from "../config/config.ts";
import { startServer, type Server } from "../server.ts";
import { addressesIn, ask, encodeQuery, eventually, exchangeTcp, exchangeUdp, freePort, rcodeOf } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { FrameReader, frame } from "../transport/frame.ts";
import { parseIpv6 } from "../wire/address.ts";
import { Class, Opcode, Rcode, Type } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { parseName } from "../wire/name.ts";
import { isSignedAnswer, signRequest, TsigError, type TsigKey } from "../wire/tsig.ts";
import { encodeUpdate } from "../wire/update-request.ts";
import { recordsOf, serialOf, soaOf } from "../zone/content.ts";
import { loadZone } from "../zone/load.ts";
import { formatRecord, type ZoneRecord } from "../zone/record.ts";
import type { Zone } from "../zone/zone.ts";
import { encodeMessages, wholeZone } from "./messages.ts";
import { encodeNotify } from "./notifier.ts";
import { fetchZone } from "./primary.ts";

const cleanups: (() => unknown)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peak-transfer-"));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true });
});

const origin = parseName("peak.");
const secret = Buffer.alloc(32, 7).toString("base64");
const key: TsigKey = { name: parseName("xfr."), algorithm: "hmac-sha256", secret: Buffer.from(secret, "base64") };
const text = (serial: number, more = "", expire = 86_400): string =>
  `$TTL 60\n@ SOA ns1 h ${serial} 3600 1 ${expire} 5\n@ NS ns1\nns1 AAAA fd00::1\nMiXed TXT "one" "two"\n${more}`;
const zoneOf = (serial: number, more = "", expire?: number): Zone =>
  loadZone(origin, { text: text(serial, more, expire), file: "zone" }).zone;

async function start(config: object): Promise<Server> {
  const json = JSON.stringify({ listen: ["127.0.0.1:0"], udp: "plain", ...config });
  const server = await startServer(parseConfig(json, join(folder, "x.yaml")));
  cleanups.push(() => server.close());
  return server;
}

const shown = (endpoint: Endpoint): string => `${endpoint.address}:${endpoint.port}`;
const now = (): number => Math.floor(Date.now() / 1000);
const keys = [{ name: "xfr", secret }];

/** A root server whose records an update with the key may change. */
const root = (transfer: object, records = text(10)): Promise<Server> =>
  start({
    role: "root",
    zone: "peak",
    records,
    keys,
    updates: { journal: "journal", grants: [{ key: "xfr", names: ["*.peak"], types: ["AAAA", "TXT"] }] },
    transfer,
  });

async function update(server: Server, name: string, address: string, rclass: number = Class.IN): Promise<number> {
  const record = { name: parseName(name), type: Type.AAAA, class: rclass, ttl: rclass === Class.IN ? 60 : 0, rdata: parseIpv6(address) };
  const { message } = signRequest(encodeUpdate(1, origin, [record]), key, now());
  return (await exchangeUdp(server.endpoints[0]!, message))[3]! & 15;
}

const fetched = async (server: Server, current?: Zone, by: TsigKey | undefined = key): ReturnType<typeof fetchZone> =>
  fetchZone(server.endpoints[0]!, origin, current, by, new AbortController().signal);
const contents = (zone: Zone): string[] =>
  [soaOf(zone), ...recordsOf(zone)].map(formatRecord).toSorted();
const serialIn = (zone: Zone | undefined): number => serialOf(zone!);

describe("transfers out", () => {
  test("AXFR to the holder of the key, and to nobody else", async () => {
    const server = await root({ keys: ["xfr"] });
    const { zone, kind } = await fetched(server);
    expect([kind, contents(zone!)]).toEqual(["axfr", contents(zoneOf(10))]);
    const [refused] = await exchangeTcp(server.endpoints[0]!, [encodeQuery("peak", "AXFR")]);
    expect(decodeMessage(refused!)).toMatchObject({ rcode: Rcode.REFUSED, answer: [] });
    await expect(fetched(server, undefined, { ...key, secret: Buffer.alloc(32) })).rejects.toThrow("NOTAUTH, BADSIG: its key");
    await expect(fetched(server, undefined, { ...key, name: parseName("other.") })).rejects.toThrow("NOTAUTH, BADKEY: it has no key");
  });

  test("tells why it refuses, by a metric", async () => {
    const server = await start({ role: "zones", http: "127.0.0.1:0", keys: [...keys, { name: "other", secret }], zones: [{ origin: "peak", file: writeZone(10), transfer: { keys: ["xfr"] } }] });
    await exchangeTcp(server.endpoints[0]!, [encodeQuery("peak", "AXFR")]);
    for (const by of [{ ...key, secret: Buffer.alloc(32) }, { ...key, name: parseName("none.") }, { ...key, name: parseName("other.") }])
      await expect(fetched(server, undefined, by)).rejects.toThrow();
    const { address, port } = server.http!;
    const metrics = await (await fetch(`http://${address}:${port}/metrics`)).text();
    for (const reason of ["unsigned", "BADSIG", "BADKEY", "ungranted"])
      expect(metrics).toContain(`peakdns_requests_refused_total{request="transfer",reason="${reason}"} 1\n`);
  });

  test("to a prefix; never over UDP", async () => {
    const server = await start({
      role: "zones",
      zones: [{ origin: "peak", file: writeZone(10), transfer: { prefixes: ["127.0.0.0/8"] } }],
    });
    expect(contents((await fetchZone(server.endpoints[0]!, origin, undefined, undefined, new AbortController().signal)).zone!)).toEqual(
      contents(zoneOf(10)),
    );
    expect(rcodeOf(dnsPacket.decode(await exchangeUdp(server.endpoints[0]!, encodeQuery("peak", "AXFR"))))).toBe(Rcode.REFUSED);
  });

  test("a large zone comes in many signed messages, and others are answered meanwhile", async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => `n${i} AAAA fd00::${(i % 65_535).toString(16)}\n`).join("");
    const server = await root({ keys: ["xfr"] }, text(10, many));
    const [first, answer] = await Promise.all([fetched(server), ask(server.endpoints[0]!, "n77.peak", "AAAA")]);
    expect(first.zone!.nodes.size).toBe(20_003);
    expect(addressesIn(answer)).toEqual(["fd00::4d"]);
  });

  test("IXFR gives what updates have changed; the whole zone where that is not known", async () => {
    const server = await root({ keys: ["xfr"] });
    const before = (await fetched(server)).zone!;
    expect(await fetched(server, before)).toEqual({ kind: "axfr", zone: undefined });
    expect(await update(server, "a.peak", "fd00::a")).toBe(Rcode.NOERROR);
    expect(await update(server, "b.peak", "fd00::b")).toBe(Rcode.NOERROR);
    expect(await update(server, "a.peak", "fd00::a", Class.NONE)).toBe(Rcode.NOERROR);
    const after = await fetched(server, before);
    expect([after.kind, serialIn(after.zone)]).toEqual(["ixfr", 13]);
    expect(contents(after.zone!)).toEqual(contents((await fetched(server)).zone!));
    expect((await fetched(server, zoneOf(5))).kind).toBe("axfr");
  });

  test("IXFR gives what a reload has changed, if the serial has moved", async () => {
    const zones = [{ origin: "peak", file: writeZone(10), transfer: { keys: ["xfr"] } }];
    const config = { role: "zones", listen: ["127.0.0.1:0"], udp: "plain", keys, zones };
    const server = await start(config);
    const reload = (): Promise<void> => server.reload(parseConfig(JSON.stringify(config), join(folder, "x.yaml")));
    const before = (await fetched(server)).zone!;
    writeZone(11, "a AAAA fd00::a\n");
    await reload();
    const after = await fetched(server, before);
    expect([after.kind, contents(after.zone!)]).toEqual(["ixfr", contents(zoneOf(11, "a AAAA fd00::a\n"))]);
    writeZone(11, "a AAAA fd00::b\n");
    await reload();
    expect(await fetched(server, after.zone)).toEqual({ kind: "axfr", zone: undefined });
    writeZone(12, "a AAAA fd00::b\n");
    await reload();
    // what leads to serial 11 is not told any more: there were two of them
    expect((await fetched(server, before)).kind).toBe("axfr");
  });

  test("IXFR over UDP: the changes if they fit, else the SOA alone", async () => {
    const server = await root({ prefixes: ["127.0.0.1"] });
    await update(server, "a.peak", "fd00::a");
    const request = async (serial: number): Promise<number> => {
      const soa = encodeMessages([soaOf(zoneOf(serial))], {
        id: 7,
        flags: 0,
        question: { name: origin, type: Type.IXFR, class: Class.IN, end: 0 },
        opt: undefined,
        reserved: 0,
      }).next().value as Buffer;
      soa.writeUInt16BE(0, 2);
      soa.writeUInt16BE(0, 6);
      soa.writeUInt16BE(1, 8);
      return decodeMessage(await exchangeUdp(server.endpoints[0]!, soa)).answer.length;
    };
    expect(await request(10)).toBe(5);
    expect(await request(11)).toBe(1);
    for (let i = 0; i < 30; i++) await update(server, `n${i}.peak`, "fd00::b");
    expect(await request(10)).toBe(1);
  });
});

const writeZone = (serial: number, more = "", expire?: number): string => {
  writeFileSync(join(folder, "zone"), text(serial, more, expire));
  return "zone";
};

describe("signatures on queries", () => {
  const signedQuery = (by: TsigKey, time = now()): Buffer => signRequest(encodeQuery("mixed.peak", "TXT"), by, time).message;
  test("an answer is signed with the key; a wrong signature is told", async () => {
    const server = await root({});
    const at = server.endpoints[0]!;
    const { message, mac } = signRequest(encodeQuery("mixed.peak", "TXT"), key, now());
    const answer = await exchangeUdp(at, message);
    expect([isSignedAnswer(answer, key, mac, now()), answer[3]! & 15, answer.readUInt16BE(6)]).toEqual([true, Rcode.NOERROR, 1]);
    const errorOf = (packet: Buffer): number =>
      packet.readUInt16BE(packet.length - (packet.readUInt16BE(packet.length - 2) === 0 ? 4 : 10));
    for (const [wrong, error] of [
      [signedQuery({ ...key, name: parseName("other.") }), TsigError.BADKEY],
      [signedQuery({ ...key, secret: Buffer.alloc(32) }), TsigError.BADSIG],
      [signedQuery(key, now() - 1000), TsigError.BADTIME],
    ] as const) {
      const refused = await exchangeUdp(at, wrong);
      expect([refused[3]! & 15, errorOf(refused)]).toEqual([Rcode.NOTAUTH, error]);
    }
  });
  test("a signature that was cut: BADTRUNC, or FORMERR below half", async () => {
    const server = await root({});
    const whole = signedQuery(key);
    const cut = (length: number): Buffer => {
      // the signature is 32 octets, with 6 behind it
      const macAt = whole.length - 6 - 32;
      const message = Buffer.concat([whole.subarray(0, macAt + length), whole.subarray(-6)]);
      message.writeUInt16BE(length, macAt - 2);
      const lengthAt = macAt - 10 - (key.algorithm.length + 2) - 2;
      message.writeUInt16BE(whole.readUInt16BE(lengthAt) - (32 - length), lengthAt);
      return message;
    };
    expect((await exchangeUdp(server.endpoints[0]!, cut(20)))[3]! & 15).toBe(Rcode.NOTAUTH);
    expect((await exchangeUdp(server.endpoints[0]!, cut(12)))[3]! & 15).toBe(Rcode.FORMERR);
  });
});

describe("secondary role", () => {
  const secondary = (primaries: string[], more: object = {}, config: object = {}): Promise<Server> =>
    start({ role: "secondary", keys, zones: [{ origin: "peak", primaries, key: "xfr", file: "saved", ...more }], ...config });
  const addresses = async (server: Server, name: string): Promise<string> =>
    addressesIn(await ask(server.endpoints[0]!, name, "AAAA")).join();
  const has = (server: Server, name: string, expected: string): Promise<unknown> =>
    eventually(
      () => addresses(server, name),
      (found) => found === expected,
    );
  const rcode = async (server: Server, name = "ns1.peak"): Promise<number> => rcodeOf(await ask(server.endpoints[0]!, name, "AAAA"));

  test("fetches, is notified, follows by IXFR, and refuses updates", async () => {
    const port = await freePort();
    const primary = await root({ keys: ["xfr"], notify: [{ server: `127.0.0.1:${port}`, key: "xfr" }] });
    const server = await secondary([shown(primary.endpoints[0]!)], {}, { listen: [`127.0.0.1:${port}`], http: "127.0.0.1:0" });
    await has(server, "ns1.peak", "fd00::1");
    await update(primary, "a.peak", "fd00::a");
    await has(server, "a.peak", "fd00::a");
    await update(primary, "a.peak", "fd00::a", Class.NONE);
    await has(server, "a.peak", "");
    expect(await update(server, "b.peak", "fd00::b")).toBe(Rcode.REFUSED);
    const metrics = await (await fetch(`http://127.0.0.1:${server.http!.port}/metrics`)).text();
    expect(metrics).toMatch(/peakdns_transfers_total\{direction="in",kind="ixfr",result="done"\} [12]/);
    expect(metrics).toContain('peakdns_zone_serial{zone="peak."} 12');
  });

  test("SERVFAIL before the first version; the saved one after a restart while the primary is away", async () => {
    const port = await freePort();
    const server = await secondary([`127.0.0.1:${port}`], {}, { http: "127.0.0.1:0" });
    expect(await rcode(server)).toBe(Rcode.SERVFAIL);
    expect((await fetch(`http://127.0.0.1:${server.http!.port}/readyz`)).status).toBe(503);
    const primary = await start({
      role: "zones",
      listen: [`127.0.0.1:${port}`],
      keys,
      zones: [{ origin: "peak", file: writeZone(10), transfer: { keys: ["xfr"] } }],
    });
    await has(server, "ns1.peak", "fd00::1");
    await server.close();
    cleanups.splice(cleanups.length - 2, 1);
    await primary.close();
    cleanups.pop();
    const again = await secondary([`127.0.0.1:${port}`]);
    expect(await addresses(again, "ns1.peak")).toBe("fd00::1");
    expect(readFileSync(join(folder, "saved"), "utf8")).toContain('MiXed.peak. 60 IN TXT "one" "two"');
  });

  test("serves no longer than EXPIRE says, and again when a primary is back", async () => {
    writeFileSync(join(folder, "saved"), text(10, "", 3));
    const past = now() - 2;
    utimesSync(join(folder, "saved"), past, past);
    const port = await freePort();
    const server = await secondary([`127.0.0.1:${port}`]);
    expect(await addresses(server, "ns1.peak")).toBe("fd00::1");
    await eventually(
      () => rcode(server),
      (code) => code === Rcode.SERVFAIL,
    );
    await start({
      role: "zones",
      listen: [`127.0.0.1:${port}`],
      keys,
      zones: [{ origin: "peak", file: writeZone(10, "", 1000), transfer: { keys: ["xfr"] } }],
    });
    await has(server, "ns1.peak", "fd00::1");
  });

  test("takes another primary when the first is away; keeps zones over a reload", async () => {
    const primary = await root({ keys: ["xfr"] });
    const primaries = [`127.0.0.1:${await freePort()}`, shown(primary.endpoints[0]!)];
    const config = { role: "secondary", udp: "plain", listen: ["127.0.0.1:0"], keys, zones: [{ origin: "peak", primaries, key: "xfr" }] };
    const server = await start(config);
    await has(server, "ns1.peak", "fd00::1");
    const more = { ...config, zones: [...config.zones, { origin: "other", primaries: [primaries[0]] }] };
    await server.reload(parseConfig(JSON.stringify(more), "x.yaml"));
    expect(await addresses(server, "ns1.peak")).toBe("fd00::1");
    expect(await rcode(server, "ns1.other")).toBe(Rcode.SERVFAIL);
  });

  test("NOTIFY counts from primaries and holders of the key only", async () => {
    const server = await secondary([`127.0.0.1:${await freePort()}`]);
    const elsewhere = await secondary([`[::1]:${await freePort()}`], { file: "other" });
    const notify = async (to: Server, name = "peak."): Promise<number> => {
      const { soa } = zoneOf(11);
      return (await exchangeUdp(to.endpoints[0]!, encodeNotify({ origin: parseName(name), soa })))[3]! & 15;
    };
    expect([await notify(server), await notify(server, "none."), await notify(elsewhere)]).toEqual([
      Rcode.NOERROR,
      Rcode.NOTAUTH,
      Rcode.REFUSED,
    ]);
    const signed = signRequest(encodeNotify(zoneOf(11)), key, now()).message;
    const answer = await exchangeUdp(elsewhere.endpoints[0]!, signed);
    expect([answer[2]! >> 3, answer[3]! & 15]).toEqual([16 | Opcode.NOTIFY, Rcode.NOERROR]);
  });

  describe("a primary that cannot be trusted", () => {
    let hostile: TcpServer;
    let connections: number;
    /** Answers each request over TCP with what `answer` makes of it. */
    async function primary(answer: (request: Buffer, connection: number) => Iterable<Buffer>): Promise<string> {
      connections = 0;
      hostile = createServer((socket) => {
        const reader = new FrameReader();
        socket.setMaxListeners(0);
        socket.on("error", () => {});
        socket.on("data", async (chunk: Buffer) => {
          for (const request of reader.push(chunk)) {
            for (const message of answer(request, connections++)) {
              if (socket.destroyed) return;
              if (!socket.write(frame(message))) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
            }
          }
        });
      });
      hostile.listen(0, "127.0.0.1");
      await once(hostile, "listening");
      cleanups.push(() => void hostile.close());
      return `127.0.0.1:${(hostile.address() as { port: number }).port}`;
    }
    const envelope = (request: Buffer): Parameters<typeof encodeMessages>[1] => ({
      id: request.readUInt16BE(0),
      flags: 0,
      question: { name: origin, type: Type.AXFR, class: Class.IN, end: 0 },
      opt: undefined,
      reserved: 0,
    });
    const withRecord = (name: string, type: number, rdata: string): ZoneRecord[] =>
      [...wholeZone(zoneOf(11))].toSpliced(1, 0, { name: parseName(name), type, ttl: 1, rdata: Buffer.from(rdata, "latin1") });

    test.each<[string, (request: Buffer) => Iterable<Buffer>]>([
      ["garbage", () => [Buffer.from("this is no DNS message at all")]],
      ["an answer without a signature", (request) => encodeMessages(wholeZone(zoneOf(11)), envelope(request))],
      ["a refusal", (request) => [Buffer.concat([request.subarray(0, 2), Buffer.from([0x80, 5, 0, 0, 0, 0, 0, 0, 0, 0])])]],
      ["nothing, and then the end", () => []],
    ])("%s: the old version stays", async (_, answer) => {
      writeFileSync(join(folder, "saved"), text(10));
      const server = await secondary([await primary(answer)]);
      await eventually(
        () => connections,
        (count) => count > 0,
      );
      expect(await addresses(server, "ns1.peak")).toBe("fd00::1");
      expect(readFileSync(join(folder, "saved"), "utf8")).toBe(text(10));
    });

    test.each<[string, () => Iterable<ZoneRecord>, string]>([
      ["another serial at the end", () => [...wholeZone(zoneOf(11))].slice(0, -1).concat(soaOf(zoneOf(12))), "another serial"],
      ["an earlier serial", () => wholeZone(zoneOf(9)), ""],
      ["a record out of the zone", () => withRecord("other.", Type.TXT, "\x01x"), "out of the zone"],
      ["a CNAME with other data", () => withRecord("ns1.peak.", Type.CNAME, "\x01a\x00"), "CNAME"],
      ["data that is malformed", () => withRecord("x.peak.", Type.AAAA, "\x01"), "malformed"],
      ["a zone without NS", () => [soaOf(zoneOf(11)), soaOf(zoneOf(11))], "no NS"],
    ])("%s: is not taken", async (_, records, error) => {
      const [address, port] = (await primary((request) => encodeMessages(records(), envelope(request)))).split(":");
      const outcome = fetchZone({ address: address!, port: Number(port) }, origin, zoneOf(10), undefined, new AbortController().signal);
      if (error === "") expect((await outcome).zone).toBeUndefined();
      else await expect(outcome).rejects.toThrow(error);
    });

    test("a zone without end: is not taken, and costs no more than its bound", async () => {
      function* endless(request: Buffer): Generator<Buffer> {
        function* records(): Generator<ZoneRecord> {
          yield soaOf(zoneOf(11));
          const rdata = Buffer.alloc(60 * 256, 255);
          for (let i = 0; ; i++) yield { name: parseName(`n${i}.peak.`), type: Type.TXT, ttl: 1, rdata };
        }
        yield* encodeMessages(records(), envelope(request));
      }
      const [address, port] = (await primary(endless)).split(":");
      await expect(
        fetchZone({ address: address!, port: Number(port) }, origin, undefined, undefined, new AbortController().signal),
      ).rejects.toThrow("larger than 64 MiB");
    });

    test("changes that do not fit: the whole zone is fetched", async () => {
      const server = await secondary(
        [
          await primary((request, connection) => {
            const soa = (serial: number): ZoneRecord => soaOf(zoneOf(serial));
            const foreign = { name: parseName("x.peak."), type: Type.TXT, ttl: 1, rdata: Buffer.from([1, 65]) };
            if (connection === 1) return encodeMessages([soa(11), soa(10), foreign, soa(11), soa(11)], envelope(request));
            return encodeMessages(wholeZone(connection === 0 ? zoneOf(10) : zoneOf(11, "new AAAA fd00::2\n")), envelope(request));
          }),
        ],
        { key: undefined },
      );
      await has(server, "ns1.peak", "fd00::1");
      await exchangeUdp(server.endpoints[0]!, encodeNotify(zoneOf(11)));
      await has(server, "new.peak", "fd00::2");
      expect(connections).toBe(3);
    });
  });
});
