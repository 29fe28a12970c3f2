import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policies } from "./policies.ts";
import { isGiven, type Candidate, type PolicySettings } from "./policy.ts";

const settings: PolicySettings = { threshold: { kind: "average-relative", factor: 1.5 }, margin: 0.1 };
const absolute = (value: number): PolicySettings => ({ threshold: { kind: "absolute", value }, margin: 0.1 });

/** Candidates `a`, `b`, ... with these loads. */
const loads = (...values: (number | undefined)[]): Candidate[] => values.map((load, i) => ({ key: String.fromCharCode(97 + i), load }));

type PolicyName = keyof typeof policies;

/** What each of a row of readings leads to: the keys that are given. */
function given(name: PolicyName, rows: readonly (readonly Candidate[])[], by: PolicySettings): string[] {
  let held: ReadonlySet<string> = new Set();
  return rows.map((candidates) => {
    const decision = policies[name].decide(candidates, by, held);
    held = decision.held;
    return candidates
      .filter(({ key }) => isGiven(key, decision, candidates.length))
      .map(({ key }) => key)
      .join("");
  });
}

const load = fc.oneof(fc.constant(undefined), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 20 }));
const row = fc.array(load, { minLength: 1, maxLength: 8 }).map((values) => loads(...values));
const someSettings = fc.record({
  threshold: fc.oneof(
    fc.record({ kind: fc.constant("average-relative" as const), factor: fc.double({ min: 0, max: 10, noNaN: true }) }),
    fc.record({ kind: fc.constant("absolute" as const), value: fc.double({ min: -100, max: 100, noNaN: true }) }),
  ),
  margin: fc.double({ min: 0, max: 0.9, noNaN: true }),
});

describe.each(Object.keys(policies) as PolicyName[])("every policy: %s", (name) => {
  test("gives somebody, and nobody that is no candidate", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), someSettings, (rows, by) => {
        given(name, rows, by).forEach((keys, i) => {
          expect(keys).not.toBe("");
          expect(rows[i]!.map(({ key }) => key)).toEqual(expect.arrayContaining([...keys]));
        });
      }),
    );
  });

  test("does not depend on the order of candidates", () => {
    const shuffled = row.chain((candidates) =>
      fc.shuffledSubarray([...candidates], { minLength: candidates.length }).map((other) => [candidates, other]),
    );
    fc.assert(
      fc.property(fc.array(shuffled, { minLength: 1, maxLength: 4 }), someSettings, (rows, by) => {
        const sorted = (which: 0 | 1): string[] =>
          given(
            name,
            rows.map((pair) => pair[which]!),
            by,
          ).map((keys) => [...keys].sort().join(""));
        expect(sorted(0)).toEqual(sorted(1));
      }),
    );
  });

  test("says the same of the same loads again", () => {
    fc.assert(
      fc.property(row, row, someSettings, (first, second, by) => {
        const [, once, twice] = given(name, [first, second, second], by);
        expect(twice).toBe(once);
      }),
    );
  });

  test("gives all while no load is known", () => {
    expect(given(name, [loads(undefined, undefined)], settings)).toEqual(["ab"]);
  });

  test("gives the only one, whatever its load", () => {
    expect(given(name, [loads(1e9)], absolute(1))).toEqual(["a"]);
  });

  test("does not flap while loads stay within the margin", () => {
    const within = fc.array(fc.tuple(fc.double({ min: 91, max: 100, noNaN: true }), fc.double({ min: 91, max: 100, noNaN: true })), {
      minLength: 2,
      maxLength: 20,
    });
    fc.assert(
      fc.property(within, fc.boolean(), (pairs, overloaded) => {
        const rows = [loads(overloaded ? 150 : 50, 95, 10), ...pairs.map(([a, b]) => loads(a, b, name === "single-best" ? 95 : 10))];
        const [, settled, ...rest] = given(name, rows, absolute(100));
        expect(new Set(rest)).toEqual(new Set(rest.length > 0 ? [settled] : []));
      }),
    );
  });
});

describe("round-robin", () => {
  test.each([
    ["all equal", [loads(5, 5, 5)], settings, ["abc"]],
    ["one above 1.5 times the average", [loads(10, 10, 40)], settings, ["ab"]],
    ["exactly on the threshold", [loads(10, 30)], settings, ["ab"]],
    ["idle", [loads(0, 0)], settings, ["ab"]],
    ["one without a load: not in the average, and given", [loads(10, undefined, 40, 10)], settings, ["abd"]],
    ["two", [loads(10, 31)], settings, ["a"]],
    ["absolute", [loads(50, 101, 100)], absolute(100), ["ac"]],
    ["all over: all stay", [loads(101, 102)], absolute(100), ["ab"]],
    [
      "back only below the margin",
      [loads(1, 101), loads(1, 95), loads(1, 90.1), loads(1, 90), loads(1, 95)],
      absolute(100),
      ["a", "a", "a", "ab", "ab"],
    ],
    [
      "all over, then one below: the rest was held all along",
      [loads(1, 101), loads(101, 95), loads(95, 95)],
      absolute(100),
      ["a", "ab", "ab"],
    ],
    ["an overloaded one that no load is known of comes back", [loads(1, 101), loads(1, undefined)], absolute(100), ["a", "ab"]],
    ["negative loads", [loads(-5, -1)], absolute(-2), ["a"]],
  ])("%s", (_, rows, by, expected) => {
    expect(given("round-robin", rows, by)).toEqual(expected);
  });
  test("says how its threshold came about", () => {
    const { threshold } = policies["round-robin"].decide(loads(10, 20, undefined), settings, new Set());
    expect(threshold).toEqual({ value: 22.5, readmission: 20.25, how: "1.5 x 15, the average of 2" });
  });
});

describe("single-best", () => {
  test.each([
    ["the lowest", [loads(3, 1, 2)], ["b"]],
    ["of equal ones the first by name", [loads(2, 1, 1)], ["b"]],
    [
      "another one only when it is better by the margin",
      [loads(10, 20), loads(10, 9.5), loads(10, 9), loads(10, 8.9), loads(8.5, 8.9)],
      ["a", "a", "a", "b", "b"],
    ],
    ["the lowest of several that are better", [loads(10, 20, 20), loads(10, 8, 7)], ["a", "c"]],
    ["without a load: last choice", [loads(undefined, 9)], ["b"]],
    ["the best that lost its load", [loads(1, 2, 3), loads(undefined, 2, 3)], ["a", "b"]],
    ["the best that is gone", [loads(1, 2, 3), loads(1, 2, 3).slice(1)], ["a", "b"]],
    ["a new one competes at once", [loads(5, 6), loads(5, 6, 4.9)], ["a", "c"]],
    ["idle", [loads(0, 0), loads(0.001, 0)], ["a", "b"]],
  ])("%s", (_, rows, expected) => {
    expect(given("single-best", rows, settings)).toEqual(expected);
  });
});
