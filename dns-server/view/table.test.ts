import { describe, expect, test } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { QUERY_TYPES, randomName, randomZone, seededRandom } from "../testing/random-zone.ts";
import { Type } from "../wire/constants.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { changeZone, makeZone } from "../zone/zone.ts";
import { FastResponder, GENERAL } from "./fast.ts";
import type { AnswerTable } from "./layout.ts";
import { ZoneTable } from "./table.ts";

const out = Buffer.alloc(0xffff);

function responder(origin: Name, table: AnswerTable): (query: Uint8Array) => string {
  const fast = new FastResponder(testIdentity, 1);
  fast.setZone(origin, table);
  return (query) => {
    const length = fast.answer(query, 0, query.length, out, 0, 0xfff0, testClient, 0, testClient.length);
    return length === GENERAL ? "general" : out.subarray(0, length).toString("hex");
  };
}

const byName = (records: Iterable<ZoneRecord>): Map<Name, ZoneRecord[]> => Map.groupBy(records, ({ name }) => foldName(name));

describe("a table that follows its zone", () => {
  test("answers as one made anew, over random changes", () => {
    const random = seededRandom(11);
    let patched = 0;
    let changes = 0;
    for (let i = 0; i < 60; i++) {
      const text = `z${i}.test.`;
      const origin = parseName(text);
      const records = (serial: number): Map<Name, ZoneRecord[]> =>
        byName(parseMasterFile(randomZone(random, text).replace(" 1 3600 ", ` ${serial} 3600 `), { file: text }).records);
      const current: Map<Name, ZoneRecord[]> = records(1);
      let zone = makeZone(origin, [...current.values()].flat());
      const table = new ZoneTable(zone);
      let { block } = table;
      for (let round = 0; round < 25; round++) {
        // some names become as they are in another zone
        const other = records(round % 3 === 0 ? 1 : round);
        const names = [...new Set([...current.keys(), ...other.keys()])].filter((name) => name !== origin && random() < 0.15);
        const change = new Map<Name, readonly ZoneRecord[]>(names.map((name) => [name, other.get(name) ?? []]));
        if (round % 2 === 0) change.set(origin, other.get(origin)!);
        for (const [name, own] of change) current.set(name, [...own]);
        zone = changeZone(zone, change);
        changes++;
        if (table.change(zone)) ({ block } = table);
        else patched++;
        expect(table.block).toBe(block);
        const fresh = responder(origin, new ZoneTable(makeZone(origin, [...current.values()].flat())).block);
        // from the same random numbers on
        const patchedAnswer = responder(origin, block);
        for (let k = 0; k < 40; k++) {
          const query = encodeQuery(randomName(random, text, 5), QUERY_TYPES[k % QUERY_TYPES.length]!, k);
          expect(patchedAnswer(query), `${k} ${text}`).toBe(fresh(query));
        }
      }
    }
    expect(patched).toBeGreaterThan(changes / 4);
  });

  test("lets readers of the same block see the change", () => {
    const origin = parseName("p.");
    const soa = (serial: number): ZoneRecord[] => parseMasterFile(`p. 1 IN SOA a. b. ${serial} 2 3 4 5\n`, { file: "p" }).records;
    const address = (name: string, last: number): ZoneRecord => ({
      name: parseName(name, origin),
      type: Type.AAAA,
      ttl: 5,
      rdata: Buffer.concat([Buffer.alloc(15), Buffer.of(last)]),
    });
    const names = Array.from({ length: 500 }, (_, i) => `n${i}`);
    let zone = makeZone(origin, [...soa(1), ...names.map((name) => address(name, 1))]);
    const table = new ZoneTable(zone);
    let fast = responder(origin, table.block);
    const ask = (name: string) => decodeMessage(Buffer.from(fast(encodeQuery(`${name}.p`, "AAAA")), "hex"));
    let moved = 0;
    for (let round = 2; round < 200; round++) {
      const name = names[(round * 7) % 100]!;
      const gone = round % 5 === 0;
      zone = changeZone(
        zone,
        new Map([
          [parseName(name, origin), gone ? [] : [address(name, round)]],
          [origin, soa(round)],
        ]),
      );
      if (table.change(zone)) {
        fast = responder(origin, table.block);
        moved++;
      }
      const { rcode, answer } = ask(name);
      expect([rcode, answer]).toEqual(gone ? [3, []] : [0, [expect.stringMatching(new RegExp(`:${round.toString(16)}$`))]]);
      expect(ask("none").authority[0]).toContain(` ${round} `);
    }
    expect(moved).toBeLessThan(10);
  });

  test("sees that a name has gone which hid a wildcard from what others lead to", () => {
    const origin = parseName("p.");
    const parse = (text: string): ZoneRecord[] => parseMasterFile(text, { file: "p", origin, ttl: 5 }).records;
    const rest = Array.from({ length: 20 }, (_, i) => `n${i} A 192.0.2.3\n`).join("");
    const before = makeZone(origin, parse(`@ SOA a b 1 2 3 4 5\nalias CNAME x.gone\ncut NS x.gone\n* A 192.0.2.1\ngone TXT x\n${rest}`));
    const table = new ZoneTable(before);
    table.change(changeZone(before, new Map([[parseName("gone", origin), []]])));
    const ask = responder(origin, table.block);
    const address = "x.gone.p. 5 IN A 192.0.2.1";
    expect(decodeMessage(Buffer.from(ask(encodeQuery("alias.p", "A")), "hex")).answer.at(-1)).toBe(address);
    expect(decodeMessage(Buffer.from(ask(encodeQuery("cut.p", "A")), "hex")).additional).toEqual([address]);
  });

  test("takes thousands of addresses at one name", () => {
    const origin = parseName("p.");
    const { records } = parseMasterFile("p. 1 IN SOA a. b. 1 2 3 4 5\n", { file: "p" });
    const many = Array.from({ length: 5000 }, (_, i) => {
      const rdata = Buffer.alloc(16);
      rdata.writeUInt16BE(i, 14);
      return { name: origin, type: Type.AAAA, ttl: 5, rdata };
    });
    const fast = responder(origin, new ZoneTable(makeZone(origin, [...records, ...many], 8)).block);
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const { answer } = decodeMessage(Buffer.from(fast(encodeQuery("p", "AAAA")), "hex"));
      expect(answer).toHaveLength(8);
      for (const record of answer) seen.add(record);
    }
    expect(seen.size).toBeGreaterThan(4900);
  });
});
