import dnsPacket from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeQuery, rcodeOf } from "../testing/client.ts";
import { parseAddress, parsePrefix } from "../wire/address.ts";
import { EdnsOption, Rcode } from "../wire/constants.ts";
import { Cookies } from "../wire/cookie.ts";
import { MAX_BARE_ANSWER } from "./bare-answer.ts";
import { Guard, GuardCounter, PASS, RefusalAction, type GuardSettings } from "./guard.ts";
import { compilePrefixes } from "./prefix-table.ts";

const cookies = new Cookies(new Uint8Array(16));
const NOW = 1_800_000_000_000;
const prefixes = (entries: Record<string, number>): ReturnType<typeof compilePrefixes> =>
  compilePrefixes(Object.entries(entries).map(([text, value]) => ({ prefix: parsePrefix(text), value })));

function makeGuard(settings: Partial<GuardSettings>): { guard: Guard; counters: Float64Array } {
  const counters = new Float64Array(GuardCounter.SIZE);
  const guard = new Guard(cookies, counters);
  guard.set({ refusals: prefixes({}), rateLimit: undefined, ...settings });
  return { guard, counters };
}

/** What a guard makes of a query: "pass", "drop" or the answer. */
function check(guard: Guard, query: Uint8Array, from: string): "pass" | "drop" | Buffer {
  const client = parseAddress(from);
  const out = Buffer.alloc(MAX_BARE_ANSWER + 20, 0xaa);
  const message = Buffer.concat([Buffer.alloc(5, 0xff), query, Buffer.alloc(5, 0xff)]);
  const length = guard.check(message, 5, query.length, out, 10, client, 0, client.length, NOW);
  if (length > 0) {
    expect([...out.subarray(0, 10), ...out.subarray(10 + length)].every((octet) => octet === 0xaa)).toBe(true);
    return out.subarray(10, 10 + length);
  }
  return length === PASS ? "pass" : "drop";
}

/** A query with an OPT record that carries one option. */
function ednsQuery(option?: number, data: Uint8Array = new Uint8Array(0)): Buffer {
  const query = encodeQuery("wWw.example", "AAAA", 7);
  query[11] = 1;
  const options = option === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.from([option >> 8, option, 0, data.length]), data]);
  return Buffer.concat([query, Buffer.from([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, options.length]), options]);
}
const optionOf = (answer: Buffer, code: number): Buffer | undefined => {
  const opt = dnsPacket.decode(answer).additionals?.[0] as { options?: { code: number; data: Buffer }[] } | undefined;
  return opt?.options?.find((option) => option.code === code)?.data;
};

describe("refusals", () => {
  const refusals = prefixes({ "2001:db8::/32": RefusalAction.refuse, "2001:db8:bad::/48": RefusalAction.drop });
  test("REFUSED with the reason, nothing, or as ever", () => {
    const { guard, counters } = makeGuard({ refusals });
    const answer = check(guard, ednsQuery(), "2001:db8::1") as Buffer;
    expect(dnsPacket.decode(answer)).toMatchObject({ id: 7, type: "response", questions: [{ name: "wWw.example" }], answers: [] });
    expect([rcodeOf(dnsPacket.decode(answer)), optionOf(answer, EdnsOption.EDE)]).toEqual([Rcode.REFUSED, Buffer.from([0, 18])]);
    expect(check(guard, encodeQuery("example", "A"), "2001:db8:bad::1")).toBe("drop");
    expect(check(guard, encodeQuery("example", "A"), "2001:db9::1")).toBe("pass");
    expect([...counters]).toEqual([1, 1, 0, 0]);
  });
  test("UPDATE and what has no readable question are refused by header alone; what is an answer gets none", () => {
    const { guard } = makeGuard({ refusals });
    const update = encodeQuery("example", "SOA", 9);
    update[2] = 5 << 3;
    expect((check(guard, update, "2001:db8::1") as Buffer).toString("hex")).toBe("0009a8050000000000000000");
    const cut = encodeQuery("example", "SOA", 9).subarray(0, 15);
    expect((check(guard, cut, "2001:db8::1") as Buffer).toString("hex")).toBe("000980050000000000000000");
    const answer = encodeQuery("example", "SOA", 9);
    answer[2] = 0x80;
    expect(check(guard, answer, "2001:db8::1")).toBe("drop");
  });
});

describe("rate limit", () => {
  const rateLimit = { rate: 1, slip: 2, exempt: prefixes({ "2001:db8:600d::/48": 1 }) };
  test("what is beyond it is dropped, every second truncated", () => {
    const { guard, counters } = makeGuard({ rateLimit });
    const verdicts = Array.from({ length: 5 }, () => check(guard, encodeQuery("example", "A"), "192.0.2.1"));
    expect(verdicts.map((verdict) => (typeof verdict === "string" ? verdict : dnsPacket.decode(verdict).flag_tc))).toEqual([
      "pass",
      "drop",
      true,
      "drop",
      true,
    ]);
    expect([...counters]).toEqual([0, 0, 2, 2]);
  });
  test("exempted prefixes have no limit", () => {
    const { guard } = makeGuard({ rateLimit });
    for (let i = 0; i < 5; i++) expect(check(guard, encodeQuery("example", "A"), "2001:db8:600d::1")).toBe("pass");
  });
  test("a truncated answer gives a cookie, and who shows it has no limit; a forged or foreign one does not help", () => {
    const { guard } = makeGuard({ rateLimit: { ...rateLimit, slip: 1 } });
    const [first, slipped] = [0, 1].map(() => check(guard, ednsQuery(EdnsOption.COOKIE, Buffer.alloc(8, 0xc1)), "192.0.2.1"));
    expect(first).toBe("pass");
    const cookie = optionOf(slipped as Buffer, EdnsOption.COOKIE)!;
    expect(check(guard, ednsQuery(EdnsOption.COOKIE, cookie), "192.0.2.1")).toBe("pass");
    expect(check(guard, ednsQuery(EdnsOption.COOKIE, cookie), "192.0.2.2")).not.toBe("pass");
    const forged = Buffer.from(cookie);
    forged[23]! ^= 1;
    expect(check(guard, ednsQuery(EdnsOption.COOKIE, forged), "192.0.2.1")).not.toBe("pass");
  });
  test("malformed packets beyond the rate are answered as bounded as any, and never break it", () => {
    const { guard } = makeGuard({ rateLimit: { ...rateLimit, slip: 1 } });
    const mutated = fc.tuple(fc.nat(), fc.nat(255), fc.nat()).map(([at, octet, cut]) => {
      const query = ednsQuery(EdnsOption.COOKIE, Buffer.alloc(24, 1));
      query[at % query.length] = octet;
      return query.subarray(0, query.length - (cut % 4 === 0 ? cut % query.length : 0));
    });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (query) => void check(guard, query, "192.0.2.1")),
      { numRuns: 2000 },
    );
  });
  test("is set and taken away while it runs; nothing to check makes the guard inactive", () => {
    const { guard } = makeGuard({ rateLimit });
    expect(guard.active).toBe(true);
    guard.set({ refusals: prefixes({}), rateLimit: undefined });
    expect(guard.active).toBe(false);
  });
});

describe("server cookies", () => {
  test("last an hour, for the address that they were given to", () => {
    const client = parseAddress("2001:db8::1");
    const cookie = new Uint8Array(24);
    cookies.write(cookie, 0, new Uint8Array(8), 0, client, 10_000);
    const at = (now: number, address = client, length = 24): boolean => cookies.isValid(cookie, 0, length, address, now);
    expect([at(10_000), at(13_600), at(13_601), at(9700), at(9699), at(10_000, parseAddress("::1")), at(10_000, client, 16)]).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
      false,
    ]);
  });
});
