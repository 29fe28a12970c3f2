import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Type } from "../wire/constants.ts";
import { parseName } from "../wire/name.ts";
import { loadZone, readZoneFile, type LoadedZone } from "./load.ts";

const folder = mkdtempSync(join(tmpdir(), "peak-load-"));
afterAll(() => rmSync(folder, { recursive: true }));
const origin = parseName("example.");
const file = join(folder, "zone");
const load = (content: string | Buffer, include = false): LoadedZone => {
  writeFileSync(file, content);
  return loadZone(origin, readZoneFile(file, include));
};
const head = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns AAAA ::1\n";

test("text of editors: a mark of the byte order, and lines that end in CR LF", () => {
  expect(load(`\ufeff${head.replaceAll("\n", "\r\n")}`)).toMatchObject({ warnings: [] });
});

test("text beyond ASCII is the octets of UTF-8", () => {
  const { zone } = load(`${head}text TXT "ü"\n`);
  expect(zone.nodes.get(parseName("text", origin))!.rrsets.get(Type.TXT)!.rdatas).toEqual([Buffer.from("\x02ü", "utf8")]);
});

test.each<[string, string | Buffer, string]>([
  ["another encoding", Buffer.from(`${head}a TXT ok\ntext TXT "ü"\n`, "latin1"), `${file}:6: error: this is not UTF-8`],
  ["octets at random", Buffer.of(0x0a, 0xff, 0xfe, 0x0a), `${file}:2: error: this is not UTF-8`],
  ["an empty file", "", `${file}:1: error: no SOA at the origin example.`],
  ["a file that $INCLUDE does not find", `${head}$INCLUDE missing\n`, `${file}:5: error: cannot read the zone: ENOENT`],
])("%s is a fault with its place", (_, content, message) => {
  expect(() => load(content, true)).toThrow(message);
});

test("a zone that was signed elsewhere is read, and named as what it is", () => {
  const signed = [
    "@ RRSIG SOA 13 1 60 (",
    "  20261227203420 20261127203420 34864 example.",
    "  gt9erw2uZPrxvoDvDvi2tEd/ ) ; as dnssec-signzone and ldns-signzone write them",
    "@ 0 RRSIG NSEC3PARAM 13 1 0 20261227203420 20261127203420 34864 example. AQID",
    "@ 3600 IN DNSKEY 256 3 13 AQID ;{id = 34864 (zsk), size = 256b}",
    "@ 0 NSEC3PARAM 1 0 0 ABCD",
    "ns NSEC www A NSEC RRSIG",
    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG",
  ];
  const { warnings, records } = load(`${head}${signed.join("\n")}\n`);
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining("answers are given without them")]);
  expect(records).toHaveLength(3 + 6);
});

test("says of an unknown directive that it is one, whatever follows it", () => {
  for (const line of ["$GENERATE 1-10 a A 192.0.2.$", "$X", "$X y"])
    expect(() => load(`${head}${line}\n`)).toThrow(`${file}:5: error: unknown directive ${line.split(" ")[0]}`);
});

test("warns of a service that leaves clients no protocol", () => {
  const { warnings } = load(`${head}a HTTPS 1 . no-default-alpn\nb HTTPS 1 . no-default-alpn alpn=h2\nc HTTPS 1 .\n`);
  expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining("no-default-alpn of a.example. without alpn")]);
});
