import { FORGET, inOrder, NEW, type Candidate, type Memories, type Memory } from "./policy.ts";

/** A candidate with what is remembered of it. */
export interface Considered extends Candidate {
  readonly before: Memory;
}

/** Candidates with what is remembered of each, in their own order. */
export const consider = (before: Memories, candidates: readonly Candidate[]): Considered[] =>
  inOrder(candidates).map(({ key, load }) => ({ key, load, before: before.get(key) ?? NEW }));

/** Rounds in a row without a load after which a target that had one counts as overloaded. */
const MUTE = 2;

/**
 * Whether one that is given had a load, and has had none for two rounds: what is overloaded is the first not to answer its scrape. It
 * counts as overloaded for as long as it is remembered, and after that as one of which nothing is known.
 */
export const isMute = ({ load, before: { missing } }: Considered): boolean => load === undefined && missing + 1 >= MUTE && missing + 1 < FORGET;

/**
 * Who of those held back is to stay so.
 * @param stays of one that has a load; without one they stay, and of those without one for long one comes back in each round, to be seen
 * by what it does
 */
export function staying(all: readonly Considered[], stays: (load: number, before: Memory) => boolean): Considered[] {
  const held = all.filter(({ before }) => before.held > 0);
  const forgotten = held.find(({ load, before: { missing } }) => load === undefined && missing + 1 >= FORGET);
  return held.filter((one) => one !== forgotten && (one.load === undefined || stays(one.load, one.before)));
}

/** Those without a load first, since nothing says that they are better, then by load; by key among equals. */
export const worstFirst = (list: readonly Considered[]): Considered[] =>
  inOrder(list).toSorted((a, b) => (b.load ?? Infinity) - (a.load ?? Infinity) || 0);

/** What is said of one that is held back and has no load. */
export const noteOfUnseen = ({ before: { missing } }: Considered): string =>
  `has no load any more, and stays held back until it has one, or for ${Math.max(1, FORGET - missing - 1)} more rounds`;
