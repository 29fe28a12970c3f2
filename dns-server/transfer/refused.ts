import { Counter, type Registry } from "prom-client";
import { log } from "../runtime/log.ts";
import { formatIpv4, formatIpv6 } from "../wire/address.ts";
import { formatName, type Name } from "../wire/name.ts";

/** What was asked for. */
export type Asked = "update" | "transfer" | "notify" | "query";
/** Why it was refused. */
export type Reason = "unsigned" | "ungranted" | "BADKEY" | "BADSIG" | "BADTIME" | "BADTRUNC";

/** Between two lines of the log of one kind: whoever asks must not fill it. */
const QUIET_MS = 10_000;

/** Tells why requests were refused, in the log and as a metric. */
export class Refused {
  private readonly counter: Counter<"request" | "reason">;
  private readonly quiet = new Map<string, { until: number; unlogged: number }>();

  constructor(registry: Registry) {
    this.counter = new Counter({
      name: "peakdns_requests_refused_total",
      help: "Updates, transfers and signed messages that were refused, by reason.",
      labelNames: ["request", "reason"],
      registers: [registry],
    });
  }

  /** @param client octets of the asker's address */
  note(request: Asked, reason: Reason, client: Uint8Array, key: Name | undefined): void {
    this.counter.inc({ request, reason });
    const kind = `${request} ${reason}`;
    const known = this.quiet.get(kind) ?? { until: -Infinity, unlogged: 0 };
    this.quiet.set(kind, known);
    const now = performance.now();
    if (now < known.until) {
      known.unlogged++;
      return;
    }
    const from = client.length === 16 ? formatIpv6(client) : formatIpv4(client);
    log("warn", "a request was refused", { request, reason, from, ...(key === undefined ? {} : { key: formatName(key) }), unlogged: known.unlogged });
    known.until = now + QUIET_MS;
    known.unlogged = 0;
  }
}
