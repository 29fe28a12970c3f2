import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "../testing/random-zone.ts";
import { foldName, parseName } from "../wire/name.ts";
import { loadZone } from "../zone/load.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import type { Protocol } from "./exchange.ts";
import { FastResponder, GENERAL } from "./fast.ts";
import { Responder } from "./responder.ts";
import { ZoneTable } from "./table.ts";
import type { View } from "./view.ts";

// both paths write the time into their cookies
beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterAll(() => void vi.useRealTimers());

const out = Buffer.alloc(0xffff);

/** Both paths over the same zones. */
function paths(zones: readonly Zone[]) {
  const view: View = { zones: new Map(zones.map((zone) => [zone.origin, zone])), loading: [] };
  const fast = new FastResponder(testIdentity);
  for (const zone of zones) fast.setZone(zone.origin, new ZoneTable(zone).block);
  const general = new Responder(testIdentity);
  return {
    fast,
    answerFast: (query: Uint8Array, protocol: Protocol): Buffer | undefined => {
      fast.setTime(Math.floor(Date.now() / 1000));
      // somewhere inside larger buffers, as a batch has it
      const buffer = Buffer.concat([Buffer.alloc(7), query, Buffer.alloc(9, 0xff)]);
      const length = fast.answer(buffer, 7, query.length, out, 3, protocol === "tcp" ? 0xfff0 : 0, testClient, 0, testClient.length);
      return length === GENERAL ? undefined : Buffer.from(out.subarray(3, 3 + length));
    },
    answerGenerally: (query: Uint8Array, protocol: Protocol): Buffer => general.respond(view, query, protocol, testClient)!.message,
  };
}

/**
 * What is the same whichever record came first, and whichever part of the question a name in record data was compressed with (its case).
 */
function essence(message: Buffer): unknown {
  const { answer, authority, additional, ...rest } = decodeMessage(message);
  const sorted = [answer, authority, additional].map((records) => records.map((record) => record.toLowerCase()).toSorted());
  const opt = message.readUInt16BE(10) > additional.length ? message.subarray(message.lastIndexOf(Buffer.from([0, 0, 41]))) : undefined;
  return {
    ...rest,
    flags: message.readUInt16BE(2),
    sorted,
    opt: opt?.toString("hex"),
    question: message
      .subarray(12, 12 + 60)
      .toString("hex")
      .slice(0, 30),
  };
}

const parse = (origin: string, text: string): Zone =>
  makeZone(foldName(parseName(origin)), parseMasterFile(text, { file: origin }).records);
const OPT = Buffer.from("00002904d0000080000000", "hex");
const OPT_WITH_COOKIE = Buffer.from("00002904d000000000000c000a00080102030405060708", "hex");
const OPT_UNKNOWN = Buffer.from("0000291000000000000005fde9000101", "hex");

function withOpt(query: Buffer, opt: Buffer): Buffer {
  const message = Buffer.concat([query, opt]);
  message.writeUInt16BE(1, 10);
  return message;
}

describe("the tables", () => {
  test("give the same answers as the general path over random zones", () => {
    const random = seededRandom(7);
    let fromTables = 0;
    for (let i = 0; i < 150; i++) {
      const origin = `z${i}.test.`;
      const { answerFast, answerGenerally } = paths([parse(origin, randomZone(random, origin))]);
      for (let k = 0; k < 120; k++) {
        const name = randomName(random, origin, 5).replaceAll(/[a-z]/g, (letter) => (random() < 0.3 ? letter.toUpperCase() : letter));
        const plain = encodeQuery(name, QUERY_TYPES[Math.floor(random() * QUERY_TYPES.length)]!, k);
        plain[2] = k & 1;
        plain[3] = (k & 2) << 3;
        const query =
          k % 4 === 0
            ? withOpt(plain, OPT)
            : k % 4 === 1
              ? withOpt(plain, OPT_WITH_COOKIE)
              : k % 4 === 2
                ? withOpt(plain, OPT_UNKNOWN)
                : plain;
        const protocol = k % 5 === 0 ? "tcp" : "udp";
        const fast = answerFast(query, protocol);
        if (!fast) continue;
        fromTables++;
        expect(essence(fast), `${name} in\n${origin}`).toEqual(essence(answerGenerally(query, protocol)));
      }
    }
    // the odd rest is DS, DNAME and aliases
    expect(fromTables).toBeGreaterThan(150 * 120 * 0.6);
  });

  test("answer the closest of several zones, and refuse the rest", () => {
    const zones = Array.from({ length: 50 }, (_, i) =>
      parse(`z${i}.test.`, `z${i}.test. 1 IN SOA a. b. 1 2 3 4 5\nz${i}.test. 1 IN TXT "${i}"\n`),
    );
    const inner = parse("in.z7.test.", 'in.z7.test. 1 IN SOA a. b. 1 2 3 4 5\nin.z7.test. 1 IN TXT "inner"\n');
    const { fast, answerFast } = paths([...zones, inner]);
    const text = (name: string): string | undefined => {
      const message = answerFast(encodeQuery(name, "TXT"), "udp");
      return message && decodeMessage(message).answer[0]?.split(" ").at(-1);
    };
    for (let i = 0; i < 50; i++) expect(text(`z${i}.test.`)).toBe(`"${i}"`);
    expect(text("in.z7.test")).toBe('"inner"');
    fast.setZone(inner.origin, undefined);
    expect(decodeMessage(answerFast(encodeQuery("in.z7.test", "TXT"), "udp")!).rcode).toBe(3);
    expect(decodeMessage(answerFast(encodeQuery("elsewhere", "TXT"), "udp")!).rcode).toBe(5);
    for (let round = 0; round < 100; round++) {
      fast.setZone(inner.origin, new ZoneTable(inner).block);
      expect(text("in.z7.test")).toBe('"inner"');
      fast.setZone(inner.origin, undefined);
    }
    for (let i = 0; i < 50; i++) expect(text(`z${i}.test.`)).toBe(`"${i}"`);
    fast.setLoading(true);
    expect(answerFast(encodeQuery("elsewhere", "TXT"), "udp")).toBeUndefined();
  });

  test("give of a limited RRset so many records, each equally often", () => {
    const zone = makeZone(
      parseName("p."),
      [
        ...parseMasterFile("p. 1 IN SOA a. b. 1 2 3 4 5\n", { file: "p" }).records,
        ...Array.from({ length: 20 }, (_, i) => ({ name: parseName("p."), type: 28, ttl: 5, rdata: Buffer.alloc(16, i + 1) })),
      ],
      8,
    );
    const { answerFast } = paths([zone]);
    const counts = new Map<string, number>();
    for (let i = 0; i < 2000; i++) {
      const { answer } = decodeMessage(answerFast(encodeQuery("p", "AAAA"), "udp")!);
      expect(new Set(answer).size).toBe(8);
      for (const record of answer) counts.set(record, (counts.get(record) ?? 0) + 1);
    }
    expect(counts.size).toBe(20);
    // 800 expected, 22 standard deviation
    for (const count of counts.values()) expect(Math.abs(count - 800)).toBeLessThan(150);
  });

  test("say of what does not fit over UDP that it is to be had by TCP, and leave it there to the general path where it is long", () => {
    const { zone } = loadZone(parseName("e."), {
      file: "e",
      text: `@ 1 SOA a. b. 1 2 3 4 5\n@ NS a.\n@ TXT ${'"1234567890" '.repeat(50)}\nlong TXT ${'"1234567890" '.repeat(500)}\n`,
    });
    const { answerFast, answerGenerally } = paths([zone]);
    expect(answerFast(withOpt(encodeQuery("e", "TXT"), OPT), "udp")).toBeDefined();
    expect(answerFast(encodeQuery("e", "TXT"), "tcp")).toBeDefined();
    expect(answerFast(encodeQuery("long.e", "TXT"), "tcp")).toBeUndefined();
    for (const query of [encodeQuery("e", "TXT"), encodeQuery("long.e", "TXT"), withOpt(encodeQuery("long.e", "TXT"), OPT_WITH_COOKIE)]) {
      const answer = answerFast(query, "udp")!;
      expect(answer[2]! & 2).toBe(2);
      expect(essence(answer)).toEqual(essence(answerGenerally(query, "udp")));
    }
  });

  test("refuse what is in no zone with the reason, as the general path does", () => {
    const { answerFast, answerGenerally } = paths([parse("e.", "e. 1 IN SOA a. b. 1 2 3 4 5\n")]);
    for (const opt of [OPT, OPT_WITH_COOKIE, OPT_UNKNOWN]) {
      const query = withOpt(encodeQuery("elsewhere", "AAAA"), opt);
      expect(answerFast(query, "udp")).toEqual(answerGenerally(query, "udp"));
    }
  });

  test("give of many SRV records a choice, and the addresses of just those that are given", () => {
    const PODS = 300;
    const pod = (i: number): string => `pod${String(i).padStart(3, "0")}.p.`;
    const text =
      "p. 1 IN SOA a. b. 1 2 3 4 5\n" +
      Array.from({ length: PODS }, (_, i) => {
        const address = `2001:db8::${(i + 1).toString(16)}`;
        // the last has none, the one before two of its own
        const addresses = i === PODS - 1 ? "" : `${pod(i)} 5 IN AAAA ${address}\n${i % 2 === 0 ? `${pod(i)} 5 IN A 192.0.2.1\n` : ""}`;
        const more = i === PODS - 2 ? `${pod(i)} 5 IN AAAA 2001:db8:1::1\n` : "";
        return `_http._tcp.p. 5 IN SRV 0 0 80 ${pod(i)}\n${addresses}${more}`;
      }).join("");
    const zone = makeZone(parseName("p."), parseMasterFile(text, { file: "p" }).records, 8);
    const { answerFast, answerGenerally } = paths([zone]);
    const target = (record: string): string => record.split(" ").at(-1)!;
    const expected = (records: readonly string[]): string[] =>
      records.flatMap((record) =>
        [...zone.nodes.get(foldName(parseName(target(record))))?.rrsets.values() ?? []].flatMap(({ rdatas }) => rdatas.map(() => target(record))),
      );
    const query = withOpt(encodeQuery("_http._tcp.p", "SRV"), OPT);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) {
      for (const protocol of ["udp", "tcp"] as const) {
        for (const [path, message] of [["fast", answerFast(query, protocol)!], ["general", answerGenerally(query, protocol)]] as const) {
          const { answer, additional } = decodeMessage(message);
          expect(new Set(answer).size, path).toBe(8);
          expect(additional.map((record) => record.split(" ")[0]).toSorted(), path).toEqual(expected(answer).toSorted());
          for (const record of answer) seen.add(record);
        }
      }
    }
    expect(seen.size).toBe(PODS);
    // without EDNS not all addresses fit, and over UDP all that do are of records that are given
    const { answer, additional } = decodeMessage(answerFast(encodeQuery("_http._tcp.p", "SRV"), "udp")!);
    expect([answer.length, additional.length < 12]).toEqual([8, true]);
    for (const record of additional) expect(answer.map(target)).toContain(record.split(" ")[0]);
  });

  test("random and mutated packets: the general path, or an answer that it would give too", () => {
    const origin = "z.test.";
    const { answerFast, answerGenerally } = paths([parse(origin, randomZone(seededRandom(3), origin))]);
    const valid = fc.constantFrom(
      withOpt(encodeQuery("www.z.test", "A"), OPT_WITH_COOKIE),
      encodeQuery("a.b.z.test", "AAAA"),
      withOpt(encodeQuery("z.test", "NS"), OPT),
    );
    const changes = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })), { maxLength: 5 });
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      fc.tuple(valid, changes, fc.nat(60)).map(([message, list, cut]) => {
        const copy = Buffer.from(message);
        for (const [at, value] of list) if (at < copy.length) copy[at] = value;
        return cut < 6 ? copy.subarray(0, cut * 9) : copy;
      }),
    );
    fc.assert(
      fc.property(packet, fc.constantFrom<Protocol>("udp", "tcp"), (query, protocol) => {
        const fast = answerFast(query, protocol);
        if (fast) expect(essence(fast)).toEqual(essence(answerGenerally(query, protocol)));
      }),
      { numRuns: 3000 },
    );
  });
});

test("zones that come and go take no more room than those that are there", () => {
  const fast = new FastResponder(testIdentity);
  const text = "@ 60 SOA ns b 1 1 1 1 1\n@ 60 NS ns\nns 60 AAAA ::1\n";
  const make = (origin: string): Zone => loadZone(foldName(parseName(origin)), { file: "test", text }).zone;
  const { block } = new ZoneTable(make("stays."));
  fast.setZone(parseName("stays."), block);
  for (let i = 0; i < 2000; i++) {
    const origin = foldName(parseName(`z${i}.`));
    fast.setZone(origin, new ZoneTable(make(`z${i}.`)).block);
    fast.setZone(origin, undefined);
  }
  expect(fast.slots).toBeLessThanOrEqual(64);
  const length = fast.answer(encodeQuery("ns.stays", "AAAA"), 0, encodeQuery("ns.stays", "AAAA").length, out, 0, 0xfff0, testClient, 0, 16);
  expect(decodeMessage(out.subarray(0, length)).answer).toHaveLength(1);
});
