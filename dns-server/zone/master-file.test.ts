import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typeName } from "../wire/constants.ts";
import { formatName, parseName } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import { checkRecords } from "./check.ts";
import { parseMasterFile, type MasterFileOptions } from "./master-file.ts";
import { formatFault } from "./record.ts";

const origin = parseName("example.");
const read = (text: string, options: Partial<MasterFileOptions> = {}): { records: string[]; faults: string[] } => {
  const { records, faults } = parseMasterFile(text, { file: "z", origin, ...options });
  return {
    records: records.map(({ name, ttl, type, rdata }) => `${formatName(name)} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`),
    faults: faults.map(formatFault),
  };
};

describe("master files", () => {
  test("directives, owners, TTLs, classes, comments, parentheses", () => {
    const { records, faults } = read(
      [
        "; a comment",
        "$TTL 1h",
        "@ IN SOA ns hostmaster (",
        "  1 ; serial",
        "  2 3",
        "  4 5 )",
        "  NS ns",
        "ns 5 IN AAAA ::1",
        "   IN 6 A 192.0.2.1",
        "$ORIGIN sub",
        "www\tCNAME\t@ ; alias",
        "$TTL 7",
        'text TXT "semi;colon (paren)" plain\r',
        "",
      ].join("\n"),
    );
    expect(faults).toEqual([]);
    expect(records).toEqual([
      "example. 3600 SOA ns.example. hostmaster.example. 1 2 3 4 5",
      "example. 3600 NS ns.example.",
      "ns.example. 5 AAAA ::1",
      "ns.example. 6 A 192.0.2.1",
      "www.sub.example. 3600 CNAME sub.example.",
      'text.sub.example. 7 TXT "semi;colon (paren)" "plain"',
    ]);
  });

  test("without $TTL the last TTL holds, for a first SOA its minimum", () => {
    expect(read("@ SOA a. b. 1 2 3 4 9\n@ NS a.\n@ 30 A 192.0.2.1\n@ TXT x").records.map((text) => text.split(" ")[1])).toEqual([
      "9",
      "9",
      "30",
      "30",
    ]);
  });

  test("escapes in owners and generic types", () => {
    expect(read("a\\.b\\032c 1 TYPE65280 CLASS1 x\n").faults).toHaveLength(1);
    expect(read("a\\.b\\032c 1 IN TYPE65280 \\# 2 ab cd\n").records).toEqual(["a\\.b\\032c.example. 1 TYPE65280 \\# 2 abcd"]);
  });

  test("goes on after a fault and names every line", () => {
    const { records, faults } = read(
      "@ 1 A 192.0.2.1\n@ 1 A nonsense\n@ 1 NOTYPE x\n@ A\n@ 1 CH A 192.0.2.1\n$GENERATE 1-2 a\n@ 1 ANY x\n@ 1 A ( 192.0.2.2\n\n",
    );
    expect(records).toEqual(["example. 1 A 192.0.2.1"]);
    expect(faults).toEqual([
      'z:2: error: "nonsense" is not an IPv4 address',
      'z:3: error: unknown type "NOTYPE" (write TYPEnnn for one that has no name here)',
      "z:4: error: A data ends too early",
      "z:5: error: class CH is not served, only IN",
      "z:6: error: unknown directive $GENERATE",
      "z:7: error: ANY cannot be data of a zone",
      "z:8: error: opening parenthesis is never closed",
    ]);
  });

  test.each([
    ["  A 192.0.2.1", "the first record has no owner name"],
    ["@ A 192.0.2.1", "the record has no TTL and no $TTL is set"],
    ['@ 1 TXT "open', "quotation mark is never closed on its line"],
    ["@ 1 TXT )", "closing parenthesis without an opening one"],
    ["@ 1", "the record has no type"],
    ["$TTL", "$TTL takes one word"],
    ["$TTL 99999999999", 'time "99999999999" is over 2147483647 seconds'],
    ["$NONSENSE x", "unknown directive $NONSENSE"],
    ["$INCLUDE other", "$INCLUDE is not allowed here"],
  ])("%s", (text, message) => expect(read(text).faults).toEqual([`z:1: error: ${message}`]));

  test("$INCLUDE, where allowed, keeps its own origin and owner", () => {
    const files = new Map([
      ["inner", "www A 192.0.2.2\n@ A 192.0.2.3\n"],
      ["loop", "$INCLUDE loop\n"],
    ]);
    const include = (path: string): { file: string; text: string } => ({ file: path, text: files.get(path)! });
    expect(read("$TTL 1\nx A 192.0.2.1\n$INCLUDE inner sub\n  A 192.0.2.4\n", { include }).records).toEqual([
      "x.example. 1 A 192.0.2.1",
      "www.sub.example. 1 A 192.0.2.2",
      "sub.example. 1 A 192.0.2.3",
      "x.example. 1 A 192.0.2.4",
    ]);
    expect(read("$INCLUDE loop\n", { include }).faults).toEqual(["loop:1: error: $INCLUDE is nested more than 16 deep"]);
  });

  test("any text gives records or faults, never an error", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "@",
        "a",
        "$TTL",
        "$ORIGIN",
        "IN",
        "A",
        "TXT",
        "SOA",
        "NS",
        "1",
        "(",
        ")",
        '"',
        ";",
        "\\",
        "\\0",
        "\\#",
        "\n",
        " ",
        "\t",
        "192.0.2.1",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (parts) => void read(parts.join(" "))),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => void read(text)),
      { numRuns: 1000 },
    );
  });
});

describe("zone checks", () => {
  const check = (text: string): string[] => {
    const { records, faults } = parseMasterFile(`$TTL 60\n${text}`, { file: "z", origin });
    expect(faults).toEqual([]);
    return checkRecords(origin, records).map(formatFault);
  };
  const head = "@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

  test.each([
    [`${head}`, []],
    ["a A 192.0.2.1", ["z:2: error: no SOA at the origin example.", "z:2: error: no NS at the origin example."]],
    [`${head}out.test. A 192.0.2.1`, ["z:5: error: out.test. is out of the zone example."]],
    [`${head}a SOA ns h 1 2 3 4 5`, ["z:5: error: SOA at a.example.: it belongs at the origin example."]],
    [`${head}@ SOA ns h 2 2 3 4 5`, ["z:5: error: example. has more than one SOA"]],
    [`${head}a CNAME b\na A 192.0.2.1`, ["z:5: error: a.example. has a CNAME and other data (A)"]],
    [`${head}a CNAME b\na CNAME c`, ["z:6: error: a.example. has more than one CNAME"]],
    [`${head}a A 192.0.2.1\nA A 192.0.2.1`, ["z:6: warning: A.example. A is given twice"]],
    [
      `${head}a 1 A 192.0.2.1\na 2 A 192.0.2.2`,
      ["z:6: warning: the TTL differs from that of the other A records of a.example.; the lowest is used"],
    ],
    [`${head}sub NS ns.sub`, ["z:5: warning: NS of sub.example. leads to ns.sub.example., which has no address (missing glue)"]],
    [`${head}sub NS ns\nx.sub TXT x`, ["z:6: warning: x.sub.example. is never seen: sub.example. has NS"]],
    [`${head}sub NS ns\nsub TXT x`, ["z:6: warning: TXT at the delegation sub.example. is never seen"]],
    [`${head}d DNAME e\nx.d A 192.0.2.1`, ["z:6: warning: x.d.example. is never seen: d.example. has DNAME"]],
    [`${head}@ MX 1 mx\nmx CNAME ns`, ["z:5: warning: MX of example. leads to mx.example., which is an alias"]],
    [`${head}a DS 1 13 2 00`, ["z:5: warning: DS at a.example., which is no delegation"]],
    [`${head}ns RRSIG \\# 1 00`, [expect.stringContaining("z:5: warning: the zone has signatures") as string]],
    [`${head}big TXT${` "${"x".repeat(255)}"`.repeat(255)}`, []],
    [
      `${head}big TYPE65280 \\# 65500 ${"00".repeat(65_500)}`,
      ["z:5: warning: TYPE65280 of big.example. is too long for an answer: nobody gets it, and the zone cannot be transferred"],
    ],
    [
      `${head}${Array.from({ length: 256 }, (_, i) => `big TXT "${String(i).padEnd(255, "x")}"\n`).join("")}`,
      ["z:5: warning: TXT of big.example. is too long for an answer: nobody gets it"],
    ],
    [
      `${head}sub NS ns\nsub NSEC x. NS\nsub RRSIG NSEC 13 2 60 20260101000000 20260101000000 1 example. AQID`,
      [expect.stringContaining("z:7: warning: the zone has signatures") as string],
    ],
    [`${head}@ MX 0 .\n@ NS ns.elsewhere.`, []],
  ])("%s", (text, faults) => expect(check(text)).toEqual(faults));
});
