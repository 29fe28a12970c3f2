import type { Domain, Target, Verdict } from "../model/domain.ts";
import type { Demand } from "./bounds.ts";
import { demandOf, type Loads, type Subject } from "./loads.ts";
import { policies } from "./policies.ts";
import { NOTHING_KNOWN, type Memories, type Round } from "./policy.ts";
import type { Reading } from "./reading.ts";

/** A domain that asks to be steered, or for its TTL, and what is known of it. */
export interface Steered {
  domain: Domain;
  candidates: readonly Target[];
  loads: Reading<Loads> | undefined;
  ttl: Reading<number> | undefined;
  /** What the last round began with: it is decided anew when the candidates change, and counts once. */
  before: Memories;
  round: Round;
  /** Answers in a row that had no load of any candidate. */
  empty: number;
  /** Why it is not asked for, where the bounds say so: it is not steered then. */
  over: string | undefined;
}

export const UNSTEERED = { before: NOTHING_KNOWN.memories, round: NOTHING_KNOWN, empty: 0, over: undefined };

/** What decisions go by that all domains have in common. */
interface DecisionSettings {
  readonly readmissionMargin: number;
  readonly maxHeld: number;
}

/** Who is given, by the last loads. */
export function decide({ domain: { steering }, candidates, loads, before, over }: Steered, settings: DecisionSettings): Round {
  const known = loads?.value;
  // before the first answer nothing is known, not even that no target has a load
  if (!steering || !known || over !== undefined) return NOTHING_KNOWN;
  const measured = candidates.map(({ key }) => ({ key, load: known.get(key) }));
  const { readmissionMargin: margin, maxHeld } = settings;
  return policies[steering.policy].next(before, measured, { threshold: steering.threshold, margin, maxHeld });
}

export const verdictOn = ({ domain: { steering }, round }: Steered, key: string): Verdict =>
  steering && round.held.has(key) ? policies[steering.policy].verdict : "in";

/** Whose loads are asked for. */
export const subjectOf = ({ domain, candidates }: Steered, { clusterName }: { readonly clusterName?: string | undefined }): Subject => ({
  namespace: domain.namespace,
  clusterName,
  candidates,
});

/** What is asked for a domain; nothing of what is known to be wrong. */
export function demandOfSteered(steered: Steered, settings: Parameters<typeof subjectOf>[1]): Demand {
  const { domain, loads, ttl } = steered;
  const templates = [loads, ttl].flatMap((reading) => (reading && reading.fault === undefined ? [reading.template] : []));
  return demandOf(domain.name, subjectOf(steered, settings), templates);
}

/** Whether each of its templates has been asked, or will not be. */
export const isSettled = ({ loads, ttl, over }: Steered): boolean => over !== undefined || (isAsked(loads) && isAsked(ttl));

const isAsked = (reading: Reading<unknown> | undefined): boolean =>
  !reading || reading.answer !== undefined || reading.error !== undefined || reading.fault !== undefined;
