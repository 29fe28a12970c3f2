import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Type } from "../wire/constants.ts";
import { parseName } from "../wire/name.ts";
import { newKey, writeKeyFile } from "./key.ts";
import { loadServedZone } from "./load.ts";
import { dnssec } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "peakdns-signed-"));
afterAll(() => rmSync(folder, { recursive: true }));
const origin = parseName("example");
const text = { text: "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n", file: "example.zone" };
const file = join(folder, "key.pem");
writeKeyFile(file, origin, newKey());
const settings = dnssec.parse({ keys: [file] })!;

test("a zone without settings stays as it is", () => {
  const { zone, signer } = loadServedZone(origin, text, undefined);
  expect([signer, zone.nodes.get(origin)!.rrsets.has(Type.DNSKEY)]).toEqual([undefined, false]);
});
test("a zone that is signed has what tells of its keys", () => {
  const { zone, signer } = loadServedZone(origin, text, settings);
  expect(signer).toBeDefined();
  for (const type of [Type.DNSKEY, Type.CDS, Type.CDNSKEY]) expect(zone.nodes.get(origin)!.rrsets.get(type)!.rdatas.length).toBe(1);
});
test("the same key twice is a fault", () =>
  expect(() => loadServedZone(origin, text, { ...settings, keys: [file, file] })).toThrow("two keys of the same tag"));
test("a zone that is signed already is a fault, told with its place", () =>
  expect(() => loadServedZone(origin, { ...text, text: `${text.text}ns TYPE46 \\# 0\n` }, settings)).toThrow(
    "example.zone:5: zone example. is to be signed here, but has RRSIG records: give it unsigned",
  ));
