import fc from "fast-check";
import { isIPv6, SocketAddress } from "node:net";
import { describe, expect, test } from "vitest";
import { addressIn, contains, formatAddress, formatPrefix, overlaps, parseAddress, parsePrefix, subPrefix } from "./prefix.ts";

const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const prefix = fc.tuple(address, fc.integer({ min: 0, max: 128 })).map(([bits, length]) => {
  const host = BigInt(128 - length);
  return { bits: (bits >> host) << host, length };
});

describe("addresses", () => {
  test.each([
    ["::", 0n],
    ["::1", 1n],
    ["2001:DB8::a", 0x20010db8_00000000_00000000_0000000an],
    ["1:2:3:4:5:6:7:8", 0x00010002_00030004_00050006_00070008n],
    ["::ffff:192.0.2.1", 0xffff_c0000201n],
  ])("%s parses", (text, bits) => expect(parseAddress(text)).toBe(bits));

  test.each(["", ":", "1", "1.2.3.4", "1:2:3:4:5:6:7", "1::2::3", "12345::", "fe80::1%eth0", "::1/64", "::1]", " ::1"])(
    "%j is refused", (text) => expect(() => parseAddress(text)).toThrow(`"${text}" is not an IPv6 address`));

  test("text and value round-trip, in the canonical form that Node uses as well", () => {
    fc.assert(fc.property(address, (bits) => {
      const text = formatAddress(bits);
      expect(isIPv6(text)).toBe(true);
      expect(parseAddress(text)).toBe(bits);
      expect(parseAddress(new SocketAddress({ address: text, family: "ipv6" }).address)).toBe(bits);
    }));
  });
});

describe("prefixes", () => {
  test.each([
    ["fd00::1/64", "host bits set; the prefix is fd00::/64"],
    ["fd00::/129", "at most 128"],
    ["fd00::", "not an IPv6 prefix"],
    ["10.0.0.0/8", "not an IPv6 address"],
  ])("%s is refused", (text, reason) => expect(() => parsePrefix(text)).toThrow(reason));

  test("text and value round-trip", () => {
    fc.assert(fc.property(prefix, (value) => {
      expect(parsePrefix(formatPrefix(value))).toEqual(value);
    }));
  });

  test("sub-prefixes lie inside, and two of them never overlap", () => {
    fc.assert(fc.property(prefix, fc.nat(16), fc.nat(0xffff), fc.nat(0xffff), (parent, more, i, j) => {
      const length = Math.min(parent.length + more, 128);
      const count = 2 ** (length - parent.length);
      const [a, b] = [i % count, j % count].map((index) => subPrefix(parent, length, index));
      expect(contains(parent, a!.bits)).toBe(true);
      expect(overlaps(a!, b!)).toBe(i % count === j % count);
    }));
  });

  test("what does not fit is refused", () => {
    expect(() => subPrefix(parsePrefix("fd00::/64"), 80, 65536)).toThrow("fd00::/64 has no /80 number 65536; there are 65536");
    expect(() => subPrefix(parsePrefix("fd00::/64"), 48, 0)).toThrow("a /48 is no part of fd00::/64");
    expect(() => addressIn(parsePrefix("fd00::/120"), 256)).toThrow("fd00::/120 has no address number 256");
  });
});
