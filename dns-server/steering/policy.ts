import type { Verdict } from "../model/domain.ts";
import type { Threshold, ThresholdSpec } from "./threshold.ts";

/** A target that could be given, and its load by the last answer; undefined where that has none of it. */
export interface Candidate {
  readonly key: string;
  /** Finite. */
  readonly load: number | undefined;
}

export interface PolicySettings {
  readonly threshold: ThresholdSpec;
  /** What a target that was held back must be better by: 0.1 is ten per cent. */
  readonly margin: number;
  /** Share of the candidates that may be held back at once. */
  readonly maxHeld: number;
}

/** What is remembered of a target from one round to the next. Counts are of rounds. */
export interface Memory {
  /** In a row that it has been held back; 0: it is given. */
  readonly held: number;
  /** In a row that had no load of it, or in which it was no candidate; FORGET of one that had never any. */
  readonly missing: number;
  /** How often it has been held back lately: each time is longer than the one before. */
  readonly times: number;
  /** Since it is given, or since `times` went down. */
  readonly calm: number;
}

export type Memories = ReadonlyMap<string, Memory>;

/** Rounds without a load after which what was known of a target is forgotten: a minute, by the default interval. */
export const FORGET = 12;

export const NEW: Memory = { held: 0, missing: FORGET, times: 0, calm: 0 };

/** What a round leads to. */
export interface Round {
  /** Of all candidates, and of those that were some a short while ago. */
  readonly memories: Memories;
  /** Candidates that are not given; never all of them. */
  readonly held: ReadonlySet<string>;
  /** That they are compared with, where the policy has one. */
  readonly threshold?: Threshold | undefined;
  /** What is particular about a candidate, for people. */
  readonly notes: ReadonlyMap<string, string>;
}

/** Decides by loads: a function of its arguments, and whatever the order of the candidates. */
export interface Policy {
  /** What is said of a target that it holds back. */
  readonly verdict: Verdict;
  /** One round: from what is remembered and what was measured to who is given, and what is remembered of that. */
  next(before: Memories, candidates: readonly Candidate[], settings: PolicySettings): Round;
}

export const NOTHING_KNOWN: Round = { memories: new Map(), held: new Set(), notes: new Map() };

/** What is remembered of targets that are no candidates now: one whose probes fail for a moment comes back as what it was. */
export function absent(before: Memories, candidates: readonly Candidate[]): [string, Memory][] {
  const present = new Set(candidates.map(({ key }) => key));
  return [...before].flatMap(([key, memory]): [string, Memory][] =>
    present.has(key) || memory.missing + 1 >= FORGET ? [] : [[key, { ...memory, missing: memory.missing + 1 }]],
  );
}

/** Candidates in an order of their own, whatever the one that they came in. */
export const inOrder = <T extends Candidate>(candidates: readonly T[]): T[] =>
  candidates.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

/** What is remembered after a round of those that are candidates and of those that are not, by whom it holds back. */
export function remembered(before: Memories, candidates: readonly Candidate[], held: ReadonlySet<string>): Map<string, Memory> {
  const memories = new Map(absent(before, candidates));
  for (const { key, load } of candidates) {
    const memory = before.get(key) ?? NEW;
    memories.set(key, { ...memory, missing: load === undefined ? memory.missing + 1 : 0, held: held.has(key) ? memory.held + 1 : 0 });
  }
  return memories;
}
