import { describe, expect, test } from "vitest";
import { encodeQuery } from "../testing/client.ts";
import { decodeMessage } from "../testing/decode.ts";
import { testClient, testIdentity } from "../testing/identity.ts";
import { foldName, parseName } from "../wire/name.ts";
import { parseMasterFile } from "../zone/master-file.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import { Answerer } from "./answerer.ts";

const parse = (origin: string, text: string, maxAnswers?: number): Zone =>
  makeZone(foldName(parseName(origin)), parseMasterFile(`$ORIGIN ${origin}\n$TTL 60\n@ SOA ns h 1 1 1 1 1\n@ NS ns\n${text}`, { file: origin }).records, maxAnswers);

/** What both paths say, which must be the same but for the choice of records. */
function ask(answerer: Answerer, name: string, type: string): { rcode: number; answer: string[]; additional: string[] } {
  const query = encodeQuery(name, type);
  const read = (message: Buffer): { rcode: number; answer: string[]; additional: string[] } => {
    const { answer, additional } = decodeMessage(message);
    return { rcode: message[3]! & 15, answer: answer.toSorted(), additional: additional.toSorted() };
  };
  const general = read(answerer.respondGenerally(query, "tcp", testClient)!.message);
  const either = read(answerer.respond(query, "tcp", testClient)!.message);
  expect({ ...either, answer: either.answer.length, additional: either.additional.length }).toEqual({
    ...general,
    answer: general.answer.length,
    additional: general.additional.length,
  });
  return either;
}

describe("zones, one below the other", () => {
  const parent = parse("example.", "www A 192.0.2.1\nin CNAME www\ninto CNAME www.sub\nfar CNAME deep.sub\nd DNAME sub\ntwice CNAME into\ngone CNAME none.sub\n*.w CNAME www.sub\n");
  const child = parse("sub.example.", "www A 192.0.2.2\ndeep CNAME x.low\ncut NS ns.elsewhere.\nback CNAME www.example.\n");
  const lowest = parse("low.sub.example.", "x A 192.0.2.3\n");
  const view = (...zones: Zone[]): Parameters<Answerer["setView"]>[0] => ({ zones: new Map(zones.map((zone) => [zone.origin, zone])), loading: [] });

  test.each([
    ["into.example", 0, ["into.example. 60 IN CNAME www.sub.example.", "www.sub.example. 60 IN A 192.0.2.2"]],
    ["in.example", 0, ["in.example. 60 IN CNAME www.example.", "www.example. 60 IN A 192.0.2.1"]],
    ["x.w.example", 0, ["www.sub.example. 60 IN A 192.0.2.2", "x.w.example. 60 IN CNAME www.sub.example."]],
    [
      "twice.example",
      0,
      ["into.example. 60 IN CNAME www.sub.example.", "twice.example. 60 IN CNAME into.example.", "www.sub.example. 60 IN A 192.0.2.2"],
    ],
    [
      "far.example",
      0,
      ["deep.sub.example. 60 IN CNAME x.low.sub.example.", "far.example. 60 IN CNAME deep.sub.example.", "x.low.sub.example. 60 IN A 192.0.2.3"],
    ],
    ["gone.example", 3, ["gone.example. 60 IN CNAME none.sub.example."]],
    ["cut.d.example", 0, ["cut.d.example. 60 IN CNAME cut.sub.example.", "d.example. 60 IN DNAME sub.example."]],
    ["back.sub.example", 0, ["back.sub.example. 60 IN CNAME www.example."]],
  ])("%s goes on in the closest", (name, rcode, expected) => {
    const answerer = new Answerer(testIdentity);
    answerer.setView(view(parent, child, lowest));
    const { answer, ...rest } = ask(answerer, name, "A");
    expect([rest.rcode, answer.map((record) => record.replace(/\s+/g, " "))]).toEqual([rcode, expected]);
  });

  test("follow zones that come and go", () => {
    const answerer = new Answerer(testIdentity);
    const told: string[] = [];
    answerer.setView(view(parent));
    answerer.listen({ setZone: (origin) => void told.push(origin), setLoading: () => {} });
    expect(ask(answerer, "into.example", "A").rcode).toBe(3);
    answerer.setView(view(parent, child));
    expect(ask(answerer, "into.example", "A")).toMatchObject({ rcode: 0, answer: { length: 2 } });
    // other threads have the table of the zone above anew
    expect(told.filter((origin) => origin === parent.origin)).toHaveLength(2);
    answerer.setView(view(parent));
    expect(ask(answerer, "into.example", "A").rcode).toBe(3);
  });
});

describe("services at a name", () => {
  const addresses = (name: string, count: number): string => Array.from({ length: count }, (_, i) => `${name} AAAA 2001:db8::${i + 1}\n`).join("");
  const zone = parse(
    "example.",
    `${addresses("one", 1)}one HTTPS 1 . port=8443\n${addresses("three", 3)}three HTTPS 1 . alpn=h2\nthree A 192.0.2.1\n` +
      `${addresses("many", 300)}many HTTPS 1 . alpn=h2\nother HTTPS 1 three\nalias HTTPS 0 three\nnothing HTTPS 0 .\nlong SVCB 1 hop\nhop CNAME one\n` +
      `away HTTPS 0 x.elsewhere.\n*.w HTTPS 1 .\n*.w AAAA 2001:db8::77\nloop SVCB 1 loop1\nloop1 CNAME loop2\nloop2 CNAME loop1\nself HTTPS 0 self\n`,
    8,
  );
  test.each([
    ["one.example", "HTTPS", ["one.example. AAAA"]],
    ["three.example", "HTTPS", ["three.example. A", "three.example. AAAA", "three.example. AAAA", "three.example. AAAA"]],
    ["many.example", "HTTPS", Array<string>(8).fill("many.example. AAAA")],
    ["other.example", "HTTPS", ["three.example. A", "three.example. AAAA", "three.example. AAAA", "three.example. AAAA"]],
    ["alias.example", "HTTPS", ["three.example. A", "three.example. AAAA", "three.example. AAAA", "three.example. AAAA", "three.example. HTTPS"]],
    ["long.example", "SVCB", ["hop.example. CNAME", "one.example. AAAA"]],
    ["x.w.example", "HTTPS", ["x.w.example. AAAA"]],
    ["nothing.example", "HTTPS", []],
    ["away.example", "HTTPS", []],
    ["loop.example", "SVCB", ["loop1.example. CNAME", "loop2.example. CNAME"]],
  ])("%s %s come with the addresses that they are at", (name, type, expected) => {
    const answerer = new Answerer(testIdentity);
    answerer.setView({ zones: new Map([[zone.origin, zone]]), loading: [] });
    const { additional, answer } = ask(answerer, name, type);
    expect(answer).toHaveLength(1);
    expect(additional.map((record) => record.replace(/\s+/g, " ").replace(/ \d+ IN (\S+).*/, " $1"))).toEqual(expected);
  });

  test("whichever of many is drawn comes as often as another", () => {
    const answerer = new Answerer(testIdentity);
    answerer.setView({ zones: new Map([[zone.origin, zone]]), loading: [] });
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) for (const record of ask(answerer, "three.example", "HTTPS").additional) seen.add(record);
    expect(seen.size).toBe(4);
    for (let i = 0; i < 800; i++) for (const record of ask(answerer, "many.example", "HTTPS").additional) seen.add(record);
    expect(seen.size).toBeGreaterThan(250);
  });
});
