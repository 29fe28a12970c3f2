import type { Loads } from "./loads.ts";
import type { Round } from "./policy.ts";
import type { Reading } from "./reading.ts";

/** What steering knows of a domain, for people. */
export interface SteeringReport {
  readonly policy: string;
  readonly threshold: Round["threshold"];
  readonly loads: Loads;
  /** By target key. */
  readonly held: ReadonlySet<string>;
  /** By target key: what is particular about it. */
  readonly notes: ReadonlyMap<string, string>;
  readonly query: QueryReport;
}

export interface QueryReport {
  readonly template: string;
  /** As it was sent last with success. */
  readonly sent: string | undefined;
  /** Seconds since the last answer. */
  readonly age: number | undefined;
  readonly error: string | undefined;
  /** Not asked any more until the text changes. */
  readonly broken: boolean;
  readonly warnings: readonly string[];
}

/** @param over why it is not asked, where bounds say so */
export const reportOf = <T>({ template, answer, ageSeconds, error, fault }: Reading<T>, over: string | undefined): QueryReport => ({
  template,
  sent: answer?.sent,
  age: ageSeconds,
  error: fault ?? over ?? error,
  broken: fault !== undefined,
  warnings: answer?.warnings ?? [],
});
