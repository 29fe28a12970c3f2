import type { Verdict } from "../kubernetes/model.ts";
import type { Threshold, ThresholdSpec } from "./threshold.ts";

/** A target that could be given, and its load if that is known. */
export interface Candidate {
  readonly key: string;
  /** Finite. */
  readonly load: number | undefined;
}

export interface PolicySettings {
  readonly threshold: ThresholdSpec;
  /** What a target that was held back must be better by: 0.1 is ten per cent. */
  readonly margin: number;
}

/** Which candidates a policy would rather not give. */
export interface Decision {
  readonly held: ReadonlySet<string>;
  /** That it held them back for, where it has one. */
  readonly threshold?: Threshold;
}

/** Decides by loads: a function of its arguments, and whatever the order of the candidates. */
export interface Policy {
  /** What is said of a target that it holds back. */
  readonly verdict: Verdict;
  /** @param before what it held back last: these need the margin to come back */
  decide(candidates: readonly Candidate[], settings: PolicySettings, before: ReadonlySet<string>): Decision;
}

/**
 * Whether one of so many candidates is given. When a policy would give none, all are: whoever asks is better off with a slow one than with
 * nothing.
 */
export const isGiven = (key: string, { held }: Decision, candidates: number): boolean => !held.has(key) || held.size === candidates;
