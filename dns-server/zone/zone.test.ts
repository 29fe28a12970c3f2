import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Type } from "../wire/constants.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";
import { parseMasterFile } from "./master-file.ts";
import type { ZoneRecord } from "./record.ts";
import { changeZone, differingNames, makeZone, type Zone } from "./zone.ts";

const origin = parseName("z.test.");
const parse = (text: string): ZoneRecord[] => parseMasterFile(text, { file: "test", origin }).records;
const soa = (serial: number): ZoneRecord[] => parse(`@ 60 SOA ns h ${serial} 1 2 3 4\n`);

/** What is the same for two zones with the same content. */
const contentOf = (zone: Zone): unknown => ({
  nodes: [...zone.nodes]
    .map(([key, { name, rrsets, children }]) => {
      const sorted = [...rrsets.values()].toSorted((a, b) => a.type - b.type);
      return [key, rrsets.size > 0 ? name : "", children, sorted];
    })
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  soa: zone.soa,
  negativeSoa: zone.negativeSoa,
  size: zone.nodes.size,
});

const label = fc.constantFrom("a", "b", "C", "*");
const owner = fc.array(label, { maxLength: 4 }).map((labels) => parseName(labels.join(".") || "@", origin));
const record = fc.tuple(fc.constantFrom("A 192.0.2.1", "A 192.0.2.2", "TXT x", "NS a"), fc.integer({ min: 1, max: 3 }));
const change = fc.tuple(owner, fc.array(record, { maxLength: 3 }));

describe("a changed zone", () => {
  test("is as if it had been made of its records, and leaves the earlier one as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (rounds) => {
        const records = new Map<Name, readonly ZoneRecord[]>([[origin, soa(1)]]);
        let zone = makeZone(origin, soa(1));
        for (const [serial, round] of rounds.entries()) {
          const changes = new Map<Name, readonly ZoneRecord[]>();
          for (const [name, list] of round) {
            const own = list.flatMap(([data, ttl]) => parse(`@ ${ttl} ${data}\n`).map((parsed) => ({ ...parsed, name })));
            changes.set(foldName(name), own);
          }
          changes.set(origin, [...soa(serial + 2), ...(changes.get(origin) ?? [])]);
          for (const [key, own] of changes) records.set(key, own);
          const before = contentOf(zone);
          const changed = changeZone(zone, changes);
          expect(contentOf(zone)).toEqual(before);
          const made = makeZone(origin, [...records.values()].flat());
          expect(contentOf(changed)).toEqual(contentOf(made));
          const different = [...differingNames(zone, changed)].toSorted();
          expect(different).toEqual([...differingNames(zone, made)].toSorted());
          for (const name of different) expect(changed.nodes.get(name)).not.toBe(zone.nodes.get(name));
          zone = changed;
        }
      }),
    );
  });

  test("stays quick to change: many changes settle into nodes of their own", () => {
    let zone = makeZone(origin, [...soa(1), ...Array.from({ length: 1000 }, (_, i) => parse(`n${i} 1 A 192.0.2.1`)).flat()]);
    const first = zone;
    for (let i = 0; i < 1000; i++) {
      const name = parseName(`n${i}`, origin);
      zone = changeZone(zone, new Map([[name, parse(`n${i} 1 A 192.0.2.2`)]]));
    }
    expect([...differingNames(first, zone)]).toHaveLength(1000);
    expect(zone.nodes.size).toBe(1001);
    expect(zone.nodes.get(parseName("n7", origin))!.rrsets.get(Type.A)!.rdatas).toEqual([Buffer.from([192, 0, 2, 2])]);
  });

  test("must keep its SOA", () => {
    expect(() => changeZone(makeZone(origin, soa(1)), new Map([[origin, []]]))).toThrow("no SOA");
  });
});

test("records that differ in the case of a name only are one", () => {
  const ns = (count: number): string => Array.from({ length: count }, (_, i) => `@ 60 NS n${i}\n@ 60 NS N${i}\n`).join("");
  for (const count of [2, 50]) {
    const zone = makeZone(origin, [...soa(1), ...parse(ns(count))]);
    expect(zone.nodes.get(origin)!.rrsets.get(Type.NS)!.rdatas).toHaveLength(count);
  }
});
