import { Counter, Gauge, type Registry } from "prom-client";
import { GuardCounter } from "./guard.ts";

/** What the metrics show. */
export interface LimitState {
  /** What guards counted since the start, by index in GuardCounter. */
  guardCount(counter: number): number;
  readonly connections: { readonly count: number; readonly rejected: number };
  failedHandshakes(): number;
}

/** Adds the metrics of limits and connections to a registry. */
export function registerLimitMetrics(registry: Registry, state: LimitState): void {
  const registers = [registry];
  new Counter({
    name: "peakdns_refusals_total",
    help: "Queries and connections of sources that an operator has named, by action.",
    labelNames: ["action"],
    registers,
    collect() {
      this.reset();
      this.inc({ action: "refuse" }, state.guardCount(GuardCounter.REFUSED));
      this.inc({ action: "drop" }, state.guardCount(GuardCounter.REFUSAL_DROPPED));
    },
  });
  new Counter({
    name: "peakdns_rate_limited_total",
    help: "Answers beyond the rate: not sent (drop), or sent truncated (slip).",
    labelNames: ["action"],
    registers,
    collect() {
      this.reset();
      this.inc({ action: "drop" }, state.guardCount(GuardCounter.LIMITED));
      this.inc({ action: "slip" }, state.guardCount(GuardCounter.SLIPPED));
    },
  });
  new Gauge({
    name: "peakdns_connections",
    help: "Connections that are open.",
    registers,
    collect() {
      this.set(state.connections.count);
    },
  });
  new Counter({
    name: "peakdns_connections_rejected_total",
    help: "Connections that were closed at once, since there were too many in all or from one source.",
    registers,
    collect() {
      this.reset();
      this.inc(state.connections.rejected);
    },
  });
  new Counter({
    name: "peakdns_tls_handshakes_failed_total",
    help: "TLS connections that came to nothing.",
    registers,
    collect() {
      this.reset();
      this.inc(state.failedHandshakes());
    },
  });
}
