import { expect, test } from "vitest";
import { Type, typeCode } from "../wire/constants.ts";
import { parseName } from "../wire/name.ts";
import { parseRdata } from "../wire/rdata.ts";
import { canonicalRecords, labelCount } from "./canonical.ts";

const rdata = (type: string, text: string): Uint8Array =>
  parseRdata(
    typeCode(type)!,
    text.split(" ").map((word) => ({ text: word.replaceAll('"', ""), quoted: word.startsWith('"') })),
    parseName("."),
  );

test("records are sorted by their octets, and told once", () => {
  const owner = parseName("example");
  const one = (text: string): Uint8Array => rdata("MX", text);
  const sets = [
    ["20 b.", "10 a.", "10 A."],
    ["10 A.", "20 B.", "20 b."],
  ].map((texts) => canonicalRecords(owner, { type: Type.MX, ttl: 60, rdatas: texts.map(one) }));
  expect(sets[0]).toEqual(sets[1]);
  expect(sets[0]!.length).toBe(2 * (owner.length + 10 + 5));
});

test.each([
  [".", 0],
  ["example.", 1],
  ["a.example.", 2],
  ["*.example.", 1],
  ["a.*.example.", 3],
])("labels of %s", (name, labels) => expect(labelCount(parseName(name))).toBe(labels));
