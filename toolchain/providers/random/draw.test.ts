import fc from "fast-check";
import { expect, test } from "vitest";
import { integerBetween, sample, secureDraw, shuffled, type Draw } from "./draw.ts";

// All results of a drawing function, one for each sequence of draws; each sequence of its length is equally likely.
function outcomes<T>(run: (draw: Draw) => T): T[] {
  const results: T[] = [];
  const explore = (prefix: number[]): void => {
    let used = 0;
    let open: number | undefined;
    const result = run((limit) => {
      const value = prefix[used++];
      if (value !== undefined) return value;
      open ??= limit;
      return 0;
    });
    if (open === undefined) results.push(result);
    else for (let value = 0; value < open; value++) explore([...prefix, value]);
  };
  explore([]);
  return results;
}

test("every order is equally likely", () => {
  const orders = outcomes((draw) => shuffled(["a", "b", "c", "d"], draw).join(""));
  expect(orders).toHaveLength(24);
  expect(new Set(orders).size).toBe(24);
});

test("a sample repeats items as evenly as it can", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1 }), fc.nat(50), (items, count) => {
      const picked = sample(items, count, secureDraw);
      const times = items.map((item) => picked.filter((other) => other === item).length);
      return picked.length === count && Math.max(...times) - Math.min(...times) <= 1;
    }),
  );
});

test("every number of a range can be drawn, both ends included", () => {
  expect(outcomes((draw) => integerBetween(-2, 2, draw))).toEqual([-2, -1, 0, 1, 2]);
});
