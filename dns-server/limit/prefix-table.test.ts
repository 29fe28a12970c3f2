import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatPrefix, isInPrefix, parseAddress, parsePrefix, type Prefix } from "../wire/address.ts";
import { compilePrefixes, lookupPrefix } from "./prefix-table.ts";

const table = (entries: Record<string, number>): ReturnType<typeof compilePrefixes> =>
  compilePrefixes(Object.entries(entries).map(([text, value]) => ({ prefix: parsePrefix(text), value })));
const find = (compiled: ReturnType<typeof compilePrefixes>, text: string): number => {
  const address = parseAddress(text);
  // not at the start, as in a socket address
  return lookupPrefix(compiled, Buffer.concat([Buffer.alloc(3, 0xff), address, Buffer.alloc(2)]), 3, address.length);
};

describe("look-up", () => {
  test.each([
    ["2001:db8::1", 1],
    ["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", 0],
    ["2001:db8:5::1", 2],
    ["2001:db8:5::5", 3],
    ["2001:db8:5::6", 2],
    ["2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 1],
    ["2001:db9::", 0],
    ["192.0.2.255", 4],
    ["192.0.3.0", 0],
    ["::c000:201", 0],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 5],
  ])("%s", (address, value) => {
    const compiled = table({ "2001:db8::/32": 1, "2001:db8:5::/48": 2, "2001:db8:5::5/128": 3, "192.0.2.0/24": 4, "ff00::/8": 5 });
    expect(find(compiled, address)).toBe(value);
  });
  test("an empty table has no rows", () => expect(compilePrefixes([])).toHaveLength(0));
  test("::/0 is all of IPv6 and nothing of IPv4, and the other way round", () => {
    expect(["::", "ffff::", "0.0.0.0", "255.255.255.255"].map((address) => find(table({ "::/0": 7 }), address))).toEqual([7, 7, 0, 0]);
    expect(["::", "ffff::", "0.0.0.0", "255.255.255.255"].map((address) => find(table({ "0.0.0.0/0": 7 }), address))).toEqual([0, 0, 7, 7]);
  });

  /** Few distinct bits, so that prefixes nest and touch. */
  const octets = (length: number): fc.Arbitrary<Uint8Array> =>
    fc
      .tuple(fc.constantFrom(0, 0x20, 0xff), fc.array(fc.constantFrom(0, 1, 0x80, 0xff), { minLength: length - 1, maxLength: length - 1 }))
      .map(([first, rest]) => Uint8Array.from([first, ...rest]));
  const address = fc.oneof(octets(4), octets(16));
  const prefix = address.chain((octetsOf) =>
    fc.integer({ min: 0, max: 8 * octetsOf.length }).map((length): Prefix => ({ address: octetsOf, length })),
  );
  test("is the longest prefix's number, whatever the prefixes", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(prefix, { selector: formatPrefix, maxLength: 20 }),
        fc.array(address, { minLength: 10, maxLength: 10 }),
        (prefixes, asked) => {
          const entries = prefixes.map((item, i) => ({ prefix: item, value: i + 1 }));
          const compiled = compilePrefixes(entries);
          const edges = prefixes.flatMap((item) => [item.address]);
          for (const at of [...asked, ...edges]) {
            const best = entries.filter((entry) => isInPrefix(at, entry.prefix)).sort((a, b) => b.prefix.length - a.prefix.length)[0];
            expect(lookupPrefix(compiled, at, 0, at.length)).toBe(best?.value ?? 0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("a prefix's text is canonical", () => {
  expect(["2001:DB8:0:0::1/33", "192.0.2.77/28", "::1", "10.1.2.3/0"].map((text) => formatPrefix(parsePrefix(text)))).toEqual([
    "2001:db8::/33",
    "192.0.2.64/28",
    "::1/128",
    "0.0.0.0/0",
  ]);
});
