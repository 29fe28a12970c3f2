import { describe, expect, test } from "vitest";
import { parseIpv4, parseIpv6 } from "./address.ts";
import { Cookies } from "./cookie.ts";
import { SipHash } from "./siphash.ts";

const hex = (text: string): Uint8Array => Buffer.from(text, "hex");

describe("SipHash-2-4", () => {
  // the first vectors of the reference implementation: key 00..0f, input 00..n-1
  test.each([
    [0, "310e0edd47db6f72"],
    [1, "fd67dc93c539f874"],
    [7, "37d1018bf50002ab"],
    [8, "62 24 93 9a 79 f5 f5 93".replaceAll(" ", "")],
    [15, "e545be4961ca29a1"],
  ])("%i octets", (length, expected) => {
    const out = new Uint8Array(8);
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
    new SipHash(bytes).hash(bytes, 0, length, out, 0);
    expect(Buffer.from(out).toString("hex")).toBe(expected);
  });
});

describe("server cookies", () => {
  // RFC 9018 appendix A
  test.each([
    ["e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985, "010000005cf79f111f8130c3eee29480"],
    ["e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203", 1559734700, "010000005cf7a9acf73a7810aca2381e"],
    [
      "445536bcd2513298075a5d379663c962",
      "22681ab97d52c298",
      "2001:db8:220:1:59de:d0f4:8769:82b8",
      1559741961,
      "010000005cf7c609a6bb79d16625507a",
    ],
  ])("%s", (secret, client, address, now, server) => {
    const out = new Uint8Array(24);
    new Cookies(hex(secret)).write(out, 0, hex(client), 0, address.includes(":") ? parseIpv6(address) : parseIpv4(address), now);
    expect(Buffer.from(out).toString("hex")).toBe(client + server);
  });
});
