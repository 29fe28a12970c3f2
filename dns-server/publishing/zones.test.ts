import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testTarget } from "../testing/domain.ts";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { Type } from "../wire/constants.ts";
import { foldName, parentName, parseName, type Name } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { lookup } from "../zone/lookup.ts";
import type { Zone } from "../zone/zone.ts";
import type { Published } from "./domain-zone.ts";
import { Zones } from "./zones.ts";

const name = (text: string): Name => foldName(parseName(text));
const settings = {
  nameServers: [{ name: name("ns1.cluster.peak"), addresses: ["fd00::53"] }],
  negativeTtl: 5,
  delegationTtl: 60,
  maxAnswers: 8,
};

const published = (text: string, more: Partial<Published> = {}): Published => ({
  name: name(text),
  origin: name(text),
  alias: undefined,
  onlyTop: false,
  chosen: [],
  named: [],
  ttl: 7,
  ...more,
});

/** Records of an answer: `TTL DATA`. */
function ask(zone: Zone, text: string, type: number): string[] {
  return lookup(zone, name(text), type).answer.flatMap(({ rrset }) =>
    rrset.rdatas.map((rdata) => `${rrset.ttl} ${formatRdata(rrset.type, rdata)}`),
  );
}

const zoneOf = (one: Published): Zone => {
  const zones = new Zones(settings, []);
  zones.set(one);
  return zones.build(1).get(one.origin)!;
};

describe("the zone of a domain", () => {
  const a = testTarget("a", {
    ipv6: parseIpv6("fd00::a"),
    ipv4: parseIpv4("192.0.2.1"),
    ports: [
      { name: "https", port: 8443, protocol: "TCP" },
      { name: "dns", port: 53, protocol: "UDP" },
      { name: undefined, port: 80, protocol: "TCP" },
    ],
  });
  const b = testTarget("b", { ipv6: parseIpv6("fd00::b"), ports: [{ name: "https", port: 8443, protocol: "TCP" }] });

  test("has addresses, names of targets, SRV and HTTPS records", () => {
    const zone = zoneOf(published("web.peak", { chosen: [a], named: [a, b] }));
    expect(ask(zone, "web.peak", Type.AAAA)).toEqual(["7 fd00::a"]);
    expect(ask(zone, "web.peak", Type.A)).toEqual(["7 192.0.2.1"]);
    expect(ask(zone, "b.web.peak", Type.AAAA)).toEqual(["7 fd00::b"]);
    expect(ask(zone, "_https._tcp.web.peak", Type.SRV)).toEqual(["7 0 0 8443 a.web.peak."]);
    expect(ask(zone, "_dns._udp.web.peak", Type.SRV)).toEqual(["7 0 0 53 a.web.peak."]);
    expect(ask(zone, "web.peak", Type.HTTPS)).toEqual(["7 1 . port=8443"]);
    expect(ask(zone, "web.peak", Type.NS)).toEqual(["60 ns1.cluster.peak."]);
  });

  test("has no names of targets where these are not wanted", () => {
    const zone = zoneOf(published("web.peak", { chosen: [a, b], named: [a, b], onlyTop: true }));
    expect(lookup(zone, name("a.web.peak"), Type.AAAA).answer).toEqual([]);
    expect(ask(zone, "_https._tcp.web.peak", Type.SRV)).toEqual(["7 0 0 8443 web.peak."]);
  });

  test.each([
    ["443 needs no number", [443, 443], ["7 1 ."]],
    ["another one is told", [8443, 8443], ["7 1 . port=8443"]],
    ["targets that disagree have none", [443, 8443], []],
    ["a target without TLS", [443, undefined], []],
  ])("HTTPS records: %s", (_, ports, expected) => {
    const chosen = ports.map((port, i) =>
      testTarget(`t${i}`, { ipv6: parseIpv6(`fd00::${i}`), ports: port === undefined ? [] : [{ name: "https", port, protocol: "TCP" }] }),
    );
    expect(ask(zoneOf(published("web.peak", { chosen, named: chosen })), "web.peak", Type.HTTPS)).toEqual(expected);
  });

  test("answers for a wildcard and for an alias in it", () => {
    const zones = new Zones(settings, []);
    zones.set(published("*.web.peak", { origin: name("web.peak"), chosen: [a], named: [a] }));
    zones.set(published("www.web.peak", { origin: name("web.peak"), alias: name("x.example") }));
    const zone = zones.build(1).get(name("web.peak"))!;
    expect(ask(zone, "any.web.peak", Type.AAAA)).toEqual(["7 fd00::a"]);
    expect(ask(zone, "www.web.peak", Type.AAAA)).toEqual(["7 x.example."]);
    expect(lookup(zone, name("web.peak"), Type.AAAA).answer).toEqual([]);
  });
});

/** All records, in an order of their own and without the serial, which tells when a zone was made. */
const contents = (zones: Zones): string[] =>
  [...zones.build(0).values()]
    .flatMap(({ nodes }) =>
      [...nodes].flatMap(([at, { rrsets }]) => [
        at,
        ...[...rrsets.values()].flatMap(({ type, ttl, rdatas }) =>
          rdatas.map((rdata) => `${at} ${type} ${ttl} ${formatRdata(type, rdata).replace(/^(\S+ hostmaster\S+) \d+/, "$1")}`),
        ),
      ]),
    )
    .sort();

test("other clusters' name servers are named, with their addresses where these are in the zone; none is the zone's own name", () => {
  const zones = new Zones(settings, []);
  const target = testTarget("a", { ipv6: parseIpv6("fd00::a") });
  zones.set(published("web.peak", { chosen: [target] }));
  zones.set(published("api.web.peak"));
  const others = ["ns1.cluster.peak", "ns1.other.peak", "ns.web.peak", "web.peak"];
  zones.delegate(
    name("web.peak"),
    others.map((text) => ({ name: name(text), addresses: ["fd00::99"] })),
  );
  const servers = ["60 ns.web.peak.", "60 ns1.cluster.peak.", "60 ns1.other.peak."];
  const zone = zones.build(1).get(name("web.peak"))!;
  expect(ask(zone, "web.peak", Type.NS).sort()).toEqual(servers);
  expect(ask(zone, "web.peak", Type.AAAA)).toEqual(["7 fd00::a"]);
  expect(ask(zone, "ns.web.peak", Type.AAAA)).toEqual(["60 fd00::99"]);
  expect(ask(zones.build(1).get(name("api.web.peak"))!, "api.web.peak", Type.NS).sort()).toEqual(servers);
  zones.delegate(name("web.peak"), []);
  expect(ask(zones.build(2).get(name("web.peak"))!, "web.peak", Type.NS)).toEqual(["60 ns1.cluster.peak."]);
});

describe("zones below each other", () => {
  const origins = fc.uniqueArray(fc.constantFrom("a.peak", "b.a.peak", "c.b.a.peak", "d.b.a.peak", "x.a.peak", "e.peak"), { minLength: 1 });

  test("are cut off in the closest one above, which alone has to be delegated", () => {
    fc.assert(
      fc.property(origins, fc.array(fc.nat()), (all, removals) => {
        const zones = new Zones(settings, []);
        const present = new Set(all);
        for (const text of all) zones.set(published(text));
        for (const n of removals) {
          const text = all[n % all.length]!;
          zones.remove(name(text), name(text));
          present.delete(text);
          if (n % 2 === 0) zones.build(1);
        }
        const built = zones.build(2);
        const names = new Set(Array.from(present, name));
        const above = (at: Name): Name | undefined => {
          for (let up = parentName(at); up.length > 1; up = parentName(up)) if (names.has(up)) return up;
          return undefined;
        };
        expect(new Set(built.keys())).toEqual(names);
        for (const [origin, zone] of built) {
          const cuts = [...zone.nodes].filter(([at, node]) => at !== origin && node.rrsets.has(Type.NS)).map(([at]) => at);
          expect(new Set(cuts)).toEqual(new Set([...names].filter((other) => above(other) === origin)));
        }
        expect(new Set(zones.delegated(name("peak")))).toEqual(new Set([...names].filter((at) => above(at) === undefined)));
      }),
    );
  });

  test("after any changes are those that are made at once", () => {
    const target = fc
      .record({ n: fc.nat(5), address: fc.nat(3), port: fc.constantFrom(undefined, "http", "https") })
      .map(({ n, address, port }) =>
        testTarget(`t${n}`, {
          ipv6: parseIpv6(`fd00::${address}`),
          ports: port === undefined ? [] : [{ name: port, port: 443, protocol: "TCP" }],
        }),
      );
    const targets = fc.uniqueArray(target, { selector: ({ key }) => key, maxLength: 5 });
    const one = fc
      .record({
        text: fc.constantFrom("a.peak", "*.a.peak", "t1.a.peak", "b.a.peak"),
        all: targets,
        take: fc.nat(5),
        ttl: fc.constantFrom(5, 7),
        onlyTop: fc.boolean(),
        alias: fc.constantFrom(undefined, undefined, name("x.example")),
      })
      .map(({ text, all, take, alias, ...rest }): Published => {
        const inAbove = text.startsWith("*") || alias !== undefined;
        const origin = inAbove && text !== "a.peak" ? parentName(name(text)) : name(text);
        return published(text, {
          ...rest,
          origin,
          chosen: all.slice(0, take),
          named: all,
          alias: origin === name(text) ? undefined : alias,
        });
      });
    fc.assert(
      fc.property(fc.array(fc.record({ one, remove: fc.boolean(), build: fc.boolean() }), { maxLength: 20 }), (steps) => {
        const changed = new Zones(settings, []);
        const present = new Map<string, Published>();
        for (const { one: next, remove, build } of steps) {
          const old = present.get(next.name);
          if (old) changed.remove(old.name, old.origin);
          present.delete(next.name);
          if (!remove) present.set(next.name, next);
          if (!remove) changed.set(next);
          if (build) changed.build(1);
        }
        const fresh = new Zones(settings, []);
        for (const each of present.values()) fresh.set(each);
        expect(contents(changed)).toEqual(contents(fresh));
      }),
    );
  });

  test("a change makes no other zone anew", () => {
    const zones = new Zones(settings, [name("fixed.peak")]);
    for (const text of ["a.peak", "b.a.peak", "e.peak"]) zones.set(published(text));
    const before = zones.build(1);
    zones.set(published("b.a.peak", { ttl: 8 }));
    const after = zones.build(2);
    for (const text of ["a.peak", "e.peak", "fixed.peak"]) expect(after.get(name(text))).toBe(before.get(name(text)));
    expect(after.get(name("b.a.peak"))).not.toBe(before.get(name("b.a.peak")));
    expect(zones.build(3)).toBe(after);
  });
});
