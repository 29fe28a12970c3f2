import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policies } from "./policies.ts";
import { FORGET, NOTHING_KNOWN, type Candidate, type PolicySettings, type Round } from "./policy.ts";

const settings: PolicySettings = { threshold: { kind: "average-relative", factor: 1.5 }, margin: 0.1, maxHeld: 0.5 };
const absolute = (value: number): PolicySettings => ({ ...settings, threshold: { kind: "absolute", value } });

/** Candidates `a`, `b`, ... with these loads. */
const loads = (...values: (number | undefined)[]): Candidate[] => values.map((load, i) => ({ key: String.fromCharCode(97 + i), load }));

const of = (candidates: readonly Candidate[], { held }: Round): string =>
  candidates
    .filter(({ key }) => !held.has(key))
    .map(({ key }) => key)
    .join("");

type PolicyName = keyof typeof policies;

/** The rounds of a row of answers. */
function rounds(name: PolicyName, rows: readonly (readonly Candidate[])[], by: PolicySettings): Round[] {
  let round = NOTHING_KNOWN;
  return rows.map((candidates) => (round = policies[name].next(round.memories, candidates, by)));
}

/** What each of a row of answers leads to: the keys that are given. */
const given = (name: PolicyName, rows: readonly (readonly Candidate[])[], by: PolicySettings): string[] =>
  rounds(name, rows, by).map((round, i) => of(rows[i]!, round));

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

const load = fc.oneof(fc.constant(undefined), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 0, max: 20 }));
const row = fc.array(load, { minLength: 1, maxLength: 8 }).map((values) => loads(...values));
const someSettings = fc.record({
  threshold: fc.oneof(
    fc.record({ kind: fc.constant("average-relative" as const), factor: fc.double({ min: 0, max: 10, noNaN: true }) }),
    fc.record({ kind: fc.constant("absolute" as const), value: fc.double({ min: -100, max: 100, noNaN: true }) }),
  ),
  margin: fc.double({ min: 0, max: 0.9, noNaN: true }),
  maxHeld: fc.double({ min: 0, max: 0.9, noNaN: true }),
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

  test("remembers no more than the candidates of the last rounds", () => {
    const [first, , last] = rounds(name, [loads(1, 2, 9, 1), loads(1, 2, 1), ...times(FORGET, loads(1, 2))].slice(0, 3), settings);
    expect([first!.memories.size, last!.memories.size]).toEqual([4, 4]);
    const all = rounds(name, [loads(1, 2, 9, 1), ...times(FORGET, loads(1, 2))], settings);
    expect([...all.at(-1)!.memories.keys()].sort()).toEqual(["a", "b"]);
  });

  test("an answer without any load frees nobody at once, and keeps nobody out for ever", () => {
    const rows = [loads(1, 1, 1, 22), ...times(FORGET + 3, loads(undefined, undefined, undefined, undefined))];
    for (const by of [settings, absolute(20)]) {
      const [first, ...rest] = given(name, rows, by);
      expect(first).not.toBe("abcd");
      expect(rest.slice(0, FORGET - 1)).toEqual(times(FORGET - 1, first));
      expect(rest.at(-1)).toBe("abcd");
    }
  });

  test("gives all while no load is known", () => {
    expect(given(name, [loads(undefined, undefined)], settings)).toEqual(["ab"]);
  });

  test("gives the only one, whatever its load", () => {
    expect(given(name, [loads(1e9)], absolute(1))).toEqual(["a"]);
  });
});

/** Those that hold back who is overloaded, and give the others. */
const EXCLUDING = (Object.keys(policies) as PolicyName[]).filter((name) => name !== "single-best");

describe.each(EXCLUDING)("every policy that excludes: %s", (name) => {
  test("holds no more than the share that may be held", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), someSettings, (rows, by) => {
        rounds(name, rows, by).forEach(({ held }, i) => expect(held.size).toBeLessThanOrEqual(rows[i]!.length * by.maxHeld + 1e-6));
      }),
    );
  });

  test("keeps one out that has no load any more, then lets those without one back one by one", () => {
    const one = given(name, [loads(5, 5, 5, 50), ...times(FORGET, loads(5, 5, 5, undefined))], settings);
    expect(one.slice(0, FORGET)).toEqual(times(FORGET, "abc"));
    expect(one[FORGET]).toBe("abcd");
    const two = given(name, [loads(5, 5, 5, 5, 50, 50), ...times(FORGET + 1, loads(5, 5, 5, 5, undefined, undefined))], settings);
    expect(two.slice(FORGET - 1)).toEqual(["abcd", "abcde", "abcdef"]);
  });

  test("holds one back that has no load any more while others have one, and not one that never had any", () => {
    const rows = [loads(5, 5, 5, 6, undefined), ...times(2, loads(5, 5, 5, undefined, undefined))];
    expect(given(name, rows, settings)).toEqual(["abcde", "abcde", "abce"]);
  });

  test("knows one again that was no candidate for a moment", () => {
    const all = loads(5, 5, 5, 50);
    expect(given(name, [all, all.slice(0, 3), loads(5, 5, 5, undefined)], settings)).toEqual(["abc", "abc", "abc"]);
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
    ["absolute", [loads(50, 101, 60)], absolute(100), ["ac"]],
    ["all over: all stay", [loads(101, 102)], absolute(100), ["ab"]],
    [
      "back only below the margin",
      [loads(1, 101), loads(1, 95), loads(1, 90.1), loads(1, 90), loads(1, 95)],
      absolute(100),
      ["a", "a", "a", "ab", "ab"],
    ],
    ["negative loads", [loads(-5, -1)], absolute(-2), ["a"]],
    ["room for one of two: the worse", [loads(50, 50, 101, 102)], absolute(100), ["abc"]],
    ["no room: the others would have too much", [loads(75, 75, 101)], absolute(100), ["abc"]],
    [
      "those left have too much by now: the best of those out helps",
      [...times(3, loads(40, 40, 40, 101, 120)), loads(101, 101, 101, 91, 120)],
      absolute(100),
      ["abc", "abc", "abc", "abcd"],
    ],
    ["all have too much by now: all are given", [loads(40, 40, 40, 101), loads(105, 105, 105, 101)], absolute(100), ["abc", "abcd"]],
    ["a quarter at most", [loads(1, 1, 1, 1, 1, 1, 90, 90)], { ...settings, maxHeld: 0.25 }, ["abcdef"]],
    ["an eighth at most", [loads(1, 1, 1, 1, 1, 1, 80, 90)], { ...settings, maxHeld: 0.125 }, ["abcdefg"]],
    ["nobody", [loads(1, 1, 1, 90)], { ...settings, maxHeld: 0 }, ["abcd"]],
  ])("%s", (_, rows, by, expected) => {
    expect(given("round-robin", rows, by)).toEqual(expected);
  });

  test("holds back for longer each time, and forgives", () => {
    /** Rounds that `d` is out when it is overloaded whenever it is given, and idle when it is out. */
    const spells = (calm: number): number[] => {
      let round = NOTHING_KNOWN;
      const lengths: number[] = [];
      for (let i = 0, length = 0, rest = calm; lengths.length < 13 && i < 1000; i++) {
        const isOut = round.held.has("d");
        if (isOut) rest = calm;
        round = policies["round-robin"].next(round.memories, loads(5, 5, 5, isOut || rest-- > 0 ? 5 : 50), settings);
        if (round.held.has("d")) length++;
        else if (length > 0) [length] = [0, lengths.push(length)];
      }
      return lengths;
    };
    expect(spells(0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10]);
    expect(new Set(spells(30))).toEqual(new Set([1]));
  });

  test("never gives the others more than the threshold by what they take over, of equal pods with noise", () => {
    const pods = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(pods, fc.double({ min: 0.1, max: 0.95, noNaN: true }), (noise, mean) => {
        const row = noise.map((factor, i) => ({ key: String(i), load: mean * factor }));
        const { held } = policies["round-robin"].next(new Map(), row, absolute(0.8));
        const total = row.reduce((sum, { load }) => sum + load, 0);
        if (held.size > 0) expect(total / (row.length - held.size)).toBeLessThanOrEqual(0.8);
      }),
    );
  });

  test("says how its threshold came about, and what is particular about a pod", () => {
    const round = policies["round-robin"].next(new Map(), loads(10, 20, undefined), settings);
    expect(round.threshold).toEqual({ value: 22.5, readmission: 20.25, how: "1.5 x 15, the average of 2" });
    const [, second] = rounds("round-robin", [loads(75, 75, 101), loads(75, 75, 101)], absolute(100));
    expect(second!.notes.get("c")).toBe("is above the threshold, and is given: the others would get 112.5 each by taking over its look-ups");
    const [, , third] = rounds("round-robin", [loads(5, 5, 5, 50), ...times(2, loads(5, 5, 5, undefined))], settings);
    expect(third!.notes.get("d")).toBe("has no load any more, and stays held back until it has one, or for 10 more rounds");
  });
});

describe("least-loaded", () => {
  test.each([
    ["all much alike", [loads(5, 5.5, 4.5, 5)], ["abcd"]],
    ["one clearly above the average, until it is back at it", [loads(5, 5, 9), loads(5, 5, 7), loads(5, 6, 5)], ["ab", "ab", "abc"]],
    ["of many the worst third", [loads(1, 1, 1, 9, 9, 8)], ["abcf"]],
    ["a worse one takes the place of another", [loads(1, 1, 9), loads(1, 20, 9)], ["ab", "ac"]],
    ["two: neither takes over all", [loads(1, 9)], ["ab"]],
    ["idle", [loads(0, 0, 0)], ["abc"]],
    ["negative", [loads(-5, -5, -5)], ["abc"]],
  ])("%s", (_, rows, expected) => {
    expect(given("least-loaded", rows, settings)).toEqual(expected);
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
    ["a new one does not come in by an empty answer", [loads(3, 1), loads(undefined, undefined, undefined)], ["b", "b"]],
  ])("%s", (_, rows, expected) => {
    expect(given("single-best", rows, settings)).toEqual(expected);
  });
});

describe("single-best with an absolute threshold", () => {
  test.each([
    ["as many as carry all", [loads(50, 60, 70, 100)], ["abc"]],
    ["one", [loads(10, 20, 30)], ["a"]],
    ["all have too much", [loads(150, 160)], ["ab"]],
    ["one fewer only by the margin", [loads(60, 60), loads(48, 48), loads(44, 44)], ["ab", "ab", "a"]],
  ])("%s", (_, rows, expected) => {
    expect(given("single-best", rows, absolute(100))).toEqual(expected);
  });
});
