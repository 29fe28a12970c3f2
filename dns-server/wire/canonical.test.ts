import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalRdata, isSameRdata } from "./canonical.ts";
import { typeCode } from "./constants.ts";
import { parseName } from "./name.ts";
import { parseRdata } from "./rdata.ts";

const rdata = (type: string, text: string): Uint8Array =>
  parseRdata(
    typeCode(type)!,
    text.split(" ").map((word) => ({ text: word.replaceAll('"', ""), quoted: word.startsWith('"') })),
    parseName("."),
  );
const generic = (hex: string): string => `\\# ${hex.length / 2} ${hex}`;

describe("record data", () => {
  test.each([
    ["NS", "NS.Example.", "ns.example."],
    ["SOA", "NS.Example. H.Example. 1 2 3 4 5", "ns.example. h.example. 1 2 3 4 5"],
    ["MX", "10 Mail.Example.", "10 mail.example."],
    ["SRV", "1 2 80 A.Example.", "1 2 80 a.example."],
    ["DNAME", "To.Example.", "to.example."],
    ["NAPTR", '100 10 "U" "SIP+E2U" "!A!B!" WWW.Example.', '100 10 "U" "SIP+E2U" "!A!B!" www.example.'],
    // MINFO, which has no presentation form here
    ["TYPE14", generic("014100014200"), generic("016100016200")],
  ])("%s: names in lower case", (type, written, canonical) =>
    expect(Buffer.from(canonicalRdata(typeCode(type)!, rdata(type, written)))).toEqual(Buffer.from(rdata(type, canonical))),
  );

  test.each([
    ["TXT", '"Text"'],
    ["CAA", '0 issue "CA.Example"'],
    ["HTTPS", "1 SVC.Example. alpn=h3"],
    ["TYPE65000", generic("0141424300")],
  ])("%s: as it is", (type, text) => {
    const octets = rdata(type, text);
    expect(canonicalRdata(typeCode(type)!, octets)).toBe(octets);
  });

  test("that is no data of its type is taken without a fault", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.uint8Array({ maxLength: 40 }), (type, octets) => {
        expect(canonicalRdata(type, octets).length).toBe(octets.length);
      }),
    );
  });
});

test.each([
  ["NS", "NS.Example.", "ns.EXAMPLE.", true],
  ["NS", "ns.example.", "ns2.example.", false],
  ["TXT", '"Text"', '"text"', false],
])("%s %s and %s: the same is %s", (type, a, b, same) =>
  expect(isSameRdata(typeCode(type)!, rdata(type, a), rdata(type, b))).toBe(same),
);
