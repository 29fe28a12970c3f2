import type { GuardSettings } from "../../limit/guard.ts";
import type { Name } from "../../wire/name.ts";
import type { AnswerTable } from "../../view/layout.ts";
import type { Route } from "./batch.ts";

/** What the main thread and the workers tell each other. */

/** A socket that a worker answers on. */
export interface WorkerSocket {
  readonly fd: number;
  readonly ipv6: boolean;
  /** Bound to all addresses of the host. */
  readonly wildcard: boolean;
}

/** What a worker is started with. */
export interface WorkerSettings {
  readonly sockets: readonly WorkerSocket[];
  readonly nsid: Uint8Array;
  /** Of the server cookies: all threads make the same. */
  readonly cookieSecret: Uint8Array;
  /** `Control` words, shared. */
  readonly control: SharedArrayBuffer;
  /** Counts of this worker's answers by `counterIndex`: 64-bit floating point, which never overflows. */
  readonly counters: SharedArrayBuffer;
  /** What its guard counts: 64-bit floating point. */
  readonly guardCounters: SharedArrayBuffer;
  /** Its `Sampler`'s. */
  readonly samples: SharedArrayBuffer;
}

/** To a worker, in order. It reads them before its next batch when `Control.MESSAGES` has changed. */
export type ToWorker =
  | { readonly kind: "zone"; readonly origin: Name; readonly table: AnswerTable | undefined }
  | { readonly kind: "loading"; readonly loading: boolean }
  | { readonly kind: "guard"; readonly settings: GuardSettings };

/** From a worker, once: it has been told all that there was, and answers from now on. */
export const READY = "ready";

/** From a worker: a query that its tables do not answer. */
export interface GeneralQuery {
  /** Index of the socket that it came to. */
  readonly socket: number;
  readonly message: Uint8Array;
  readonly route: Route;
  /** What went wrong when the worker tried to answer. */
  readonly fault?: string;
}

/**
 * Words of the shared control block. `PENDING` counts queries on their way to the main thread, `DROPPED` and `SENT_AWAY` those that did not
 * go there.
 */
export const Control = { MESSAGES: 0, STOP: 1, PENDING: 2, DROPPED: 3, SENT_AWAY: 4, SIZE: 5 } as const;

/** Types up to here are counted one by one, the others together. */
const COUNTED_TYPES = 258;
export const COUNTERS = (COUNTED_TYPES + 1) * 16;
export const counterIndex = (type: number, rcode: number): number => (type < COUNTED_TYPES ? type : COUNTED_TYPES) * 16 + rcode;
export const counterKey = (index: number): { type: number; rcode: number } => ({ type: index >>> 4, rcode: index & 15 });
