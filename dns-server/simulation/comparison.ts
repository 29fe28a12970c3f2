import { policies } from "../steering/policies.ts";
import type { Policy, PolicySettings } from "../steering/policy.ts";
import type { ThresholdSpec } from "../steering/threshold.ts";
import { inverseLoad, PlainThreshold, twoChoices } from "./algorithms.ts";
import { simulate, type Outcome } from "./run.ts";
import { scenarios, type Scenario } from "./scenarios.ts";

/** An algorithm, and what its annotations say. */
export interface Contender {
  readonly name: string;
  /** Whether it is what the server has. */
  readonly isShipped: boolean;
  /** One for each run; none: all pods that are well are given. */
  readonly policy: () => Policy | undefined;
  readonly threshold: ThresholdSpec;
}

/** Means over the seeds. */
export interface Row {
  readonly contender: Contender;
  readonly scenario: Scenario;
  readonly typical: number;
  readonly peak: number;
  readonly changes: number;
  readonly relief: number | undefined;
}

const THRESHOLDS: readonly (readonly [string, ThresholdSpec])[] = [
  ["1.2", { kind: "average-relative", factor: 1.2 }],
  ["1.5", { kind: "average-relative", factor: 1.5 }],
  ["absolute:0.8", { kind: "absolute", value: 0.8 }],
];

const DEFAULT: ThresholdSpec = { kind: "average-relative", factor: 1.5 };
const without = (name: string, policy: () => Policy | undefined): Contender => ({ name, isShipped: false, policy, threshold: DEFAULT });
const byThreshold = (name: string, policy: Policy, isShipped: boolean): Contender[] =>
  THRESHOLDS.map(([text, threshold]) => ({ name: `${name} ${text}`, isShipped, policy: () => policy, threshold }));

/** No steering, by which all others are measured. */
export const NONE = without("none", () => undefined);

export const shipped: readonly Contender[] = [
  ...byThreshold("excludeoverloaded", policies["round-robin"], true),
  ...byThreshold("singlebest", policies["single-best"], true),
  { name: "leastloaded", isShipped: true, policy: () => policies["least-loaded"], threshold: DEFAULT },
];

export const contenders: readonly Contender[] = [
  NONE,
  ...shipped,
  ...byThreshold("plain threshold", PlainThreshold, false),
  without("inverse load", inverseLoad),
  without("two choices", twoChoices),
];

export const SEEDS = [1, 2, 3];

/** One contender in one scenario. */
export function compare(contender: Contender, scenario: Scenario, seeds: readonly number[] = SEEDS): Row {
  const settings: PolicySettings = { threshold: contender.threshold, margin: 0.1, maxHeld: 0.5 };
  const outcomes = seeds.map((seed) => simulate(scenario, contender.policy(), settings, seed));
  const average = (of: (outcome: Outcome) => number): number => outcomes.reduce((sum, outcome) => sum + of(outcome) / seeds.length, 0);
  return {
    contender,
    scenario,
    typical: average(({ typical }) => typical),
    peak: average(({ peak }) => peak),
    changes: average(({ changes }) => changes),
    relief: scenario.overload && average(({ relief }) => relief!),
  };
}

/** All in all scenarios, scenario by scenario. */
export const compareAll = (): Row[] => scenarios.flatMap((scenario) => contenders.map((contender) => compare(contender, scenario)));
