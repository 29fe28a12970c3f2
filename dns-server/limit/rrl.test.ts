import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAddress } from "../wire/address.ts";
import { RateLimiter, Rated } from "./rrl.ts";

const take = (limiter: RateLimiter, address: string, now: number): number => {
  const octets = parseAddress(address);
  return limiter.take(octets, 0, octets.length, now);
};
const times = (count: number, act: () => number): number[] => Array.from({ length: count }, act);
const sent = (verdicts: readonly number[]): number => verdicts.filter((verdict) => verdict === Rated.SEND).length;

describe("rate", () => {
  test("a second's answers at once after a pause, then as fast as the rate", () => {
    const limiter = new RateLimiter(10, 0);
    expect(sent(times(50, () => take(limiter, "2001:db8::1", 1000)))).toBe(10);
    expect(sent(times(50, () => take(limiter, "2001:db8::1", 1500)))).toBe(5);
    expect(sent(times(50, () => take(limiter, "2001:db8::1", 60_000)))).toBe(10);
  });
  test("a rate of one lets one through each second", () => {
    const limiter = new RateLimiter(1, 0);
    expect([0, 1, 999, 1000, 1001, 2000].map((now) => take(limiter, "192.0.2.1", 5000 + now))).toEqual([
      Rated.SEND,
      Rated.DROP,
      Rated.DROP,
      Rated.SEND,
      Rated.DROP,
      Rated.SEND,
    ]);
  });
  test("a site (IPv6 /56) and a network (IPv4 /24) share, others do not", () => {
    const limiter = new RateLimiter(1, 0);
    const asked = ["2001:db8:0:11::1", "2001:db8:0:12::9", "2001:db8:0:111::1", "192.0.2.1", "192.0.2.200", "192.0.3.1", "2001:db8::"];
    expect(asked.map((address) => take(limiter, address, 0) === Rated.SEND)).toEqual([true, false, true, true, false, true, false]);
  });
  test("a clock that is set back does not lock anybody out", () => {
    const limiter = new RateLimiter(5, 0);
    times(50, () => take(limiter, "2001:db8::1", 1e12));
    expect(take(limiter, "2001:db8::1", 1e12 - 3600_000)).toBe(Rated.SEND);
  });

  test("over any window a prefix never has more than the rate and one burst, and who keeps to the rate is never limited", () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 0, max: 30 })), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), steps, (rate, floods) => {
        const limiter = new RateLimiter(rate, 0);
        const granted: number[] = [];
        let now = 1.8e12;
        let polite = 0;
        for (const [pause, count] of floods) {
          now += pause;
          for (let i = 0; i < count; i++) if (take(limiter, "2001:db8::1", now) === Rated.SEND) granted.push(now);
          if (now - polite >= 1000 / rate + 0.01) {
            polite = now;
            expect(take(limiter, "2001:db8:1::1", now)).toBe(Rated.SEND);
          }
        }
        for (let i = 0; i < granted.length; i++)
          for (let j = i; j < granted.length; j++)
            expect(j - i + 1).toBeLessThanOrEqual(rate + (rate * (granted[j]! - granted[i]!)) / 1000 + 0.01);
      }),
    );
  });
  test("floods from many forged prefixes leave a limited one limited, and one that keeps to the rate alone", () => {
    const limiter = new RateLimiter(2, 0);
    let heavy = 0;
    let light = 0;
    const forged = new Uint8Array(16);
    for (let now = 0; now < 5000; now++) {
      for (let i = 0; i < 100; i++) {
        crypto.getRandomValues(forged);
        limiter.take(forged, 0, 16, now);
      }
      if (take(limiter, "2001:db8::1", now) === Rated.SEND) heavy++;
      if (now % 1000 === 0 && take(limiter, "2001:db8:1::1", now) === Rated.SEND) light++;
    }
    // 2 at once and 2 a second
    expect(heavy).toBeLessThanOrEqual(12);
    expect(light).toBe(5);
  });
});

describe("slip", () => {
  test.each([
    [0, ""],
    [1, "SSSSSS"],
    [2, "-S-S-S"],
    [3, "--S--S"],
  ])("every %dth limited answer", (slip, expected) => {
    const limiter = new RateLimiter(1, slip);
    const other = "2001:db8:1::1";
    take(limiter, "2001:db8::1", 0);
    take(limiter, other, 0);
    const verdicts = times(6, () => {
      // another prefix that is limited at the same time counts for itself
      take(limiter, other, 0);
      return take(limiter, "2001:db8::1", 0);
    });
    expect(verdicts.map((verdict) => (verdict === Rated.SLIP ? "S" : "-")).join("")).toBe(expected || "------");
  });
});
