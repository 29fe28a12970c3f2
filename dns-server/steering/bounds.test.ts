import fc from "fast-check";
import { expect, test } from "vitest";
import { parseName } from "../wire/name.ts";
import { MAX_QUERY, MAX_ROUND, overBounds, type Demand } from "./bounds.ts";

const bounds = { domainsPerNamespace: 3, queriesPerRound: 100 };
const demand = (namespace: string, name: string, queries = 1, characters = 10): Demand => ({
  domain: parseName(`${name}.peak`),
  namespace,
  queries,
  longest: characters / queries,
  characters,
});
const over = (...demands: Demand[]): [string, string][] =>
  [...overBounds(demands, bounds)].map(([name, why]): [string, string] => [name, why]).sort(([a], [b]) => (a < b ? -1 : 1));
const names = (...all: string[]): string[] => all.map((name) => parseName(`${name}.peak`) as string);

test("all that is within the bounds is asked for", () => {
  expect(over(demand("a", "a1"), demand("a", "a2"), demand("a", "a3"), demand("b", "b1", 97))).toEqual([]);
});

test("a namespace has so many domains, the first by name, whatever the order", () => {
  const found = over(demand("a", "z"), demand("a", "a2"), demand("a", "a3"), demand("a", "a1"), demand("b", "zz"));
  expect(found).toEqual([[names("z")[0], "the namespace a has more than 3 domains with queries, and this is one of the last by name"]]);
});

test("one that asks for too much takes nothing from others", () => {
  const greedy = [demand("a", "a1", 60), demand("a", "a2", 60), demand("a", "a3", 101)];
  const modest = Array.from({ length: 40 }, (_, i) => demand(`n${i}`, `n${i}`));
  const found = over(...greedy, ...modest);
  expect(found.map(([name]) => name)).toEqual(names("a2", "a3"));
  expect(found[0]![1]).toMatch(/may ask 100 queries of 16 Mi characters in a round, and its 60 are more than is left: ask .* with %pods%$/);
});

test("length counts: of one query, and of all", () => {
  expect(over(demand("a", "long", 1, MAX_QUERY + 1))[0]?.[1]).toMatch(/^it is longer than 1048576 characters with all pods in it/);
  const each = MAX_ROUND / 3 + 1;
  const found = over(...["a", "b", "c"].map((name) => demand(name, name, 30, each)));
  expect(found.map(([name]) => name)).toEqual(names("c"));
});

test("what is asked for never is more than the bounds, and is the same in any order", () => {
  const some = fc.record({
    namespace: fc.constantFrom("a", "b", "c", "d"),
    queries: fc.integer({ min: 1, max: 60 }),
    characters: fc.integer({ min: 1, max: 4 << 20 }),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 30 }), (list) => {
      const demands = list.map(({ namespace, queries, characters }, i) => demand(namespace, `d${i}`, queries, characters));
      const found = overBounds(demands, bounds);
      const asked = demands.filter(({ domain }) => !found.has(domain));
      expect(asked.reduce((sum, { queries }) => sum + queries, 0)).toBeLessThanOrEqual(100);
      expect(asked.reduce((sum, { characters }) => sum + characters, 0)).toBeLessThanOrEqual(MAX_ROUND);
      for (const own of Map.groupBy(asked, ({ namespace }) => namespace).values()) expect(own.length).toBeLessThanOrEqual(3);
      expect(overBounds(demands.toReversed(), bounds)).toEqual(found);
    }),
  );
});
