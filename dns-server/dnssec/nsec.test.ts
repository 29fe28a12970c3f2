import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, MAX_NAME_LENGTH, parseName, type Name } from "../wire/name.ts";
import { readNsec } from "../testing/validate.ts";
import { nsecRdata, successor } from "./nsec.ts";

const origin = parseName("example");
const labelsOf = (name: Name): string[] => {
  const labels: string[] = [];
  for (let rest: string = name; rest.length > 1; rest = rest.slice(1 + rest.charCodeAt(0))) labels.unshift(rest.slice(1, 1 + rest.charCodeAt(0)));
  return labels;
};
/** Canonical order (RFC 4034 section 6.1) of folded names: label by label from the root, octet by octet. */
function compareNames(a: Name, b: Name): number {
  const [left, right] = [labelsOf(a), labelsOf(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  }
  return left.length - right.length;
}

/** Names of labels with the octets where successors are hard; often as long as names can be. */
const octet = fc.constantFrom("\0", "\x01", "@", "[", "a", "z", "\xfe", "\xff");
const label = fc.oneof(
  fc.string({ unit: octet, minLength: 1, maxLength: 4 }),
  fc.string({ unit: octet, minLength: 60, maxLength: 63 }),
  fc.constantFrom("\xff".repeat(63), "\xff", `${"\xff".repeat(62)}@`),
);
const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => {
  const text = [...labels.map((part) => String.fromCharCode(part.length) + part), origin].join("");
  // cut to what fits, from the front
  let cut: string = text;
  while (cut.length > MAX_NAME_LENGTH) cut = cut.slice(1 + cut.charCodeAt(0));
  return foldName(cut as Name);
});
/** The same, filled up to the last octet. */
const fullName = fc.tuple(name, octet).map(([base, fill]) => {
  let full: string = base;
  while (MAX_NAME_LENGTH - full.length >= 2) {
    const size = Math.min(63, MAX_NAME_LENGTH - full.length - 1);
    full = String.fromCharCode(size) + fill.repeat(size) + full;
  }
  return full as Name;
});

describe("the successor of a name", () => {
  test("is later, in the zone, and a name", () => {
    fc.assert(
      fc.property(fc.oneof(name, fullName), (asked) => {
        const next = successor(asked, origin);
        expect(next.length).toBeLessThanOrEqual(MAX_NAME_LENGTH);
        expect(labelsOf(next).every(({ length }) => length >= 1 && length <= 63)).toBe(true);
        expect(isSubdomain(next, origin)).toBe(true);
        expect(foldName(next)).toBe(next);
        if (next !== origin) expect(compareNames(asked, next)).toBeLessThan(0);
      }),
      { numRuns: 2000 },
    );
  });
  test("leaves no room for another name", () => {
    fc.assert(
      fc.property(fc.oneof(name, fullName), fc.oneof(name, fullName), (asked, other) => {
        const next = successor(asked, origin);
        const isBetween = compareNames(asked, other) < 0 && (next === origin || compareNames(other, next) < 0);
        expect(isBetween).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });
  test("is the first name below, where one fits", () => expect(successor(parseName("a.example"), origin)).toBe(parseName("\\000.a.example")));
  test("skips capitals, which sort as small letters do", () => {
    const long = (last: string): Name => `\x3f${"x".repeat(62)}${last}\x3f${"y".repeat(63)}\x3f${"z".repeat(63)}\x35${"w".repeat(53)}${origin}` as Name;
    expect(long("@").length).toBe(MAX_NAME_LENGTH);
    expect(successor(long("@"), origin)).toBe(long("["));
  });
});

test("the bitmap has every type, in windows", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 20 }), (types) => {
      expect(readNsec(nsecRdata(parseName("a.example"), origin, types)).types).toEqual(new Set(types));
    }),
  );
  // RFC 4034 section 4.3
  const types = [Type.A, Type.MX, Type.RRSIG, Type.NSEC, 1234];
  const rdata = Buffer.from(nsecRdata(parseName("alfa.example"), origin, types)).toString("hex");
  expect(rdata.endsWith(`0006400100000003041b${"00".repeat(26)}20`)).toBe(true);
});
