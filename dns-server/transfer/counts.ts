import { Counter, Gauge, type Registry } from "prom-client";
import { rcodeName } from "../wire/constants.ts";
import { formatName, type Name } from "../wire/name.ts";

export type Direction = "in" | "out";
/** `cut`: it began, and did not come to its end. */
export type TransferResult = "done" | "refused" | "cut" | "failed";
export type NotifyResult = "answered" | "refused" | "failed";

/** Counts of updates, transfers and notifies for the metrics. */
export class TransferCounts {
  private readonly updates: Counter<"rcode">;
  private readonly transfers: Counter<"direction" | "kind" | "result">;
  private readonly notifies: Counter<"direction" | "result">;

  /**
   * What is read when the metrics are:
   * @param serials of the zones that are served, by origin
   * @param behind whether the primary of a zone has an earlier version
   */
  constructor(
    registry: Registry,
    serials: () => Iterable<readonly [Name, number]>,
    behind: () => Iterable<readonly [Name, boolean]> = () => [],
  ) {
    const registers = [registry];
    this.updates = new Counter({
      name: "peakdns_updates_total",
      help: "DNS UPDATE messages with a right signature or none, by the rcode that they got.",
      labelNames: ["rcode"],
      registers,
    });
    this.transfers = new Counter({
      name: "peakdns_transfers_total",
      help: "Zone transfers by direction, kind (axfr, ixfr) and result.",
      labelNames: ["direction", "kind", "result"],
      registers,
    });
    this.notifies = new Counter({
      name: "peakdns_notifies_total",
      help: "NOTIFY messages by direction and result.",
      labelNames: ["direction", "result"],
      registers,
    });
    new Gauge({
      name: "peakdns_zone_serial",
      help: "SOA serial of each zone that is transferred in or may be transferred out.",
      labelNames: ["zone"],
      registers,
      collect() {
        this.reset();
        for (const [origin, serial] of serials()) this.set({ zone: formatName(origin) }, serial);
      },
    });
    new Gauge({
      name: "peakdns_zone_primary_behind",
      help: "1 while the primary of a zone has an earlier version than this secondary, which keeps its own.",
      labelNames: ["zone"],
      registers,
      collect() {
        this.reset();
        for (const [origin, isBehind] of behind()) this.set({ zone: formatName(origin) }, isBehind ? 1 : 0);
      },
    });
  }

  update(rcode: number): void {
    this.updates.inc({ rcode: rcodeName(rcode) });
  }

  transfer(direction: Direction, kind: "axfr" | "ixfr", result: TransferResult): void {
    this.transfers.inc({ direction, kind, result });
  }

  notify(direction: Direction, result: NotifyResult): void {
    this.notifies.inc({ direction, result });
  }
}
