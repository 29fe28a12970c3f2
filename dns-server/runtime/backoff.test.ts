import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

const waits = (backoff: Backoff, count: number): number[] => Array.from({ length: count }, () => backoff.next());

test("waits double up to the most, and begin anew after a success", () => {
  const backoff = new Backoff(100, 1000);
  expect(waits(backoff, 6)).toEqual([100, 200, 400, 800, 1000, 1000]);
  expect(backoff.failures).toBe(6);
  backoff.reset();
  expect(waits(backoff, 2)).toEqual([100, 200]);
});

test("no wait outgrows the most, however long all fails", () => {
  expect(waits(new Backoff(100, 1000), 5000).at(-1)).toBe(1000);
});

test("chance takes from a wait no more than its share", () => {
  const all = waits(new Backoff(1000, 1000, 0.2), 500);
  expect(Math.min(...all)).toBeGreaterThanOrEqual(800);
  expect(Math.max(...all)).toBeLessThanOrEqual(1000);
  expect(new Set(all).size).toBeGreaterThan(100);
});
