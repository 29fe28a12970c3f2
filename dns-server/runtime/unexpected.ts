import { log } from "./log.ts";

/** Where a fault that nobody foresaw came up; a label of metrics. */
export type FaultSite = "answer" | "worker" | "watch" | "view" | "transfer" | "probe" | "steering" | "registration" | "events" | "http" | "process";

/** Between two lines of the log about one place. */
const QUIET_MS = 10_000;

interface Noted {
  count: number;
  loggedAt: number;
  unlogged: number;
}

const noted = new Map<FaultSite, Noted>();

/** How often each place has met something that nobody foresaw. */
export function* unexpectedCounts(): Generator<readonly [FaultSite, number]> {
  for (const [place, { count }] of noted) yield [place, count];
}

/**
 * Where faults of this program end that nobody foresaw: counted, told with a limit on the rate, and the server goes on. A name server that
 * stops for one packet, watch or answer of somebody else's stops for everybody.
 */
export function unexpected(place: FaultSite, error: unknown): void {
  const known = noted.get(place) ?? { count: 0, loggedAt: -Infinity, unlogged: 0 };
  noted.set(place, known);
  known.count++;
  const now = performance.now();
  if (now - known.loggedAt < QUIET_MS) {
    known.unlogged++;
    return;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  log("error", "something that nobody foresaw went wrong; going on", { place, error: stack ?? String(error), unlogged: known.unlogged });
  known.loggedAt = now;
  known.unlogged = 0;
}

/** The same action, whose errors, thrown or rejected, end in `unexpected`. */
export const going =
  <T extends readonly unknown[]>(place: FaultSite, action: (...given: T) => unknown): ((...given: T) => void) =>
  (...given) => {
    try {
      const result = action(...given);
      if (result instanceof Promise) result.catch((error: unknown) => unexpected(place, error));
    } catch (error) {
      unexpected(place, error);
    }
  };
