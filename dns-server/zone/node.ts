import type { Name } from "../wire/name.ts";

/** All records of one name and type. Never changed once it is in a zone. */
export interface RRset {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
  /** At most so many records in one answer, another choice each time; all when absent. */
  readonly maxAnswers?: number;
}

/** A name of a zone. One without RRsets is an empty non-terminal. */
export interface ZoneNode {
  /** As written, for the case of its letters. */
  readonly name: Name;
  readonly rrsets: ReadonlyMap<number, RRset>;
  /** How many names of the zone are one label below. */
  readonly children: number;
}

/** An RRset with the name it is given under in an answer. */
export interface OwnedRRset {
  readonly owner: Name;
  readonly rrset: RRset;
}
