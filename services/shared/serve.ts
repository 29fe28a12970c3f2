import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Readiness } from "./readiness.ts";

/** How long answers under way may still take once the listening socket is closed. */
const LAST_ANSWERS_MS = 500;

export interface ServeOptions {
  readonly listener: RequestListener;
  readonly readiness: Readiness;
  /** TCP port on all addresses, IPv6 and IPv4; 0 takes a free one. */
  readonly port: number;
  /** How long to serve on after the first SIGTERM, in seconds. */
  readonly drainSeconds: number;
}

/**
 * Serves until SIGTERM, and then for `drainSeconds` more, not ready but answering: DNS withdraws the address at once, and clients may
 * come with a cached one for the record's TTL plus the time that a browser keeps addresses. A second SIGTERM ends the wait. Resolves
 * when the last connection is closed; rejects if the port cannot be had.
 */
export async function serve({ listener, readiness, port, drainSeconds }: ServeOptions): Promise<void> {
  // Before the port opens: as PID 1 the process has no default action for SIGTERM.
  const first = signal();
  const server = createServer(listener);
  server.listen({ port, host: "::" });
  await once(server, "listening");
  console.log(`listening on [::]:${(server.address() as AddressInfo).port}`);

  await first;
  readiness.drain();
  console.log(`draining for ${drainSeconds} s`);
  const drained = new AbortController();
  await Promise.race([signal(), sleep(drainSeconds * 1000, undefined, { signal: drained.signal })]);
  drained.abort();

  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS);
  await once(server, "close");
  clearTimeout(cut);
  console.log("stopped");
}

function signal(): Promise<void> {
  return new Promise((resolve) => process.once("SIGTERM", () => resolve()));
}
