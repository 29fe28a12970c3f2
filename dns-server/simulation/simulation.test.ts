import { describe, expect, test } from "vitest";
import { policies } from "../steering/policies.ts";
import type { PolicySettings } from "../steering/policy.ts";
import { PlainThreshold } from "./algorithms.ts";
import { compare, NONE, shipped } from "./comparison.ts";
import { plot } from "./plot.ts";
import { simulate } from "./run.ts";
import { scenarios } from "./scenarios.ts";

const scenario = (name: string): (typeof scenarios)[number] => scenarios.find((one) => one.name === name)!;
const absolute: PolicySettings = { threshold: { kind: "absolute", value: 0.8 }, margin: 0.1, maxHeld: 0.5 };
/** Of single-best only the one that is told what a pod may carry: else one pod has all, by definition. */
const even = shipped.filter(({ name, threshold }) => !name.startsWith("singlebest") || threshold.kind === "absolute");

const nones = new Map(scenarios.map((one) => [one, compare(NONE, one, [1])]));

test("a run is the same each time, and another with another seed", () => {
  const course = (seed: number): readonly number[] => simulate(scenario("steady"), policies["round-robin"], absolute, seed).course;
  expect(course(1)).toEqual(course(1));
  expect(course(1)).not.toEqual(course(2));
});

test("eight pods at 0.79 with noise and a threshold of 0.8: a threshold alone gives few, the server's policy all", () => {
  const none = simulate(scenario("nearly full, even"), undefined, absolute, 1);
  const plain = simulate(scenario("nearly full, even"), PlainThreshold, absolute, 1);
  const now = simulate(scenario("nearly full, even"), policies["round-robin"], absolute, 1);
  expect(plain.fewest).toBeLessThanOrEqual(4);
  expect(plain.peak).toBeGreaterThan(1.25);
  expect(now).toMatchObject({ fewest: 8, changes: 0 });
  expect(now.peak).toBeCloseTo(none.peak, 2);
  expect(none.peak).toBeLessThan(1.1);
});

describe.each(["steady", "nearly full", "nearly full, even", "few pods"])("while nothing is overloaded: %s", (name) => {
  const none = nones.get(scenario(name))!;

  test.each(even)("$name is not worse than none", (contender) => {
    const row = compare(contender, scenario(name), [1]);
    // single-best gives few on purpose, as long as they stay below the threshold
    const [typical, peak] = contender.name.startsWith("singlebest") ? [0.05, 0.2] : [0.02, 0.05];
    expect(row.typical).toBeLessThan(none.typical + typical);
    expect(row.peak).toBeLessThan(none.peak + peak);
  });
});

test.each(scenarios)("$name: leastloaded is at least as even as none, and relieves who is overloaded", (one) => {
  const row = compare(shipped.find(({ name }) => name === "leastloaded")!, one, [1]);
  const none = nones.get(one)!;
  expect(row.typical).toBeLessThan(none.typical + 0.01);
  expect(none.relief ?? Infinity).toBe(Infinity);
  if (one.overload) expect(row.relief).toBeLessThan(60);
});

test.each(["slow pods", "busy neighbour", "slow scrapes"])("%s: all are more even than none", (name) => {
  const none = nones.get(scenario(name))!;
  const isMoreEven = even.map((contender) => [contender.name, compare(contender, scenario(name), [1]).typical < none.typical - 0.1]);
  expect(isMoreEven).toEqual(even.map((contender) => [contender.name, true]));
});

test("the plot has a bar for each", () => {
  const rows = [NONE, ...shipped].map((contender) => compare(contender, scenario("steady"), [1]));
  const svg = plot(rows);
  for (const { name } of [NONE, ...shipped]) expect(svg).toContain(`>${name}</text>`);
  expect(svg.match(/<rect /g)!.length).toBe(1 + 2 * rows.length);
});
