import { isDeepStrictEqual } from "node:util";
import type { Inventory } from "../../domains/inventory.ts";
import type { ProbeResult } from "../../health/check.ts";
import type { ApiRequest } from "../../kubernetes/api.ts";
import { Events, REMINDER_MS } from "../../kubernetes/events.ts";
import { faultId } from "../../kubernetes/fault.ts";
import type { Domain, Fault } from "../../model/domain.ts";
import { showName } from "../../model/names.ts";
import { going } from "../../runtime/unexpected.ts";
import { formatName, type Name } from "../../wire/name.ts";
import type { Domains } from "./domains.ts";

/** Tells the owners of objects what is wrong with them, for as long as it is. */
export class Telling {
  private readonly inventory: Inventory;
  private readonly domains: Domains;
  private readonly events: Events;
  private readonly reminder: NodeJS.Timeout;

  constructor(send: (asked: ApiRequest) => Promise<unknown>, inventory: Inventory, domains: Domains) {
    this.inventory = inventory;
    this.domains = domains;
    this.events = new Events(send);
    // Kubernetes forgets Events, but not what is wrong
    this.reminder = setInterval(
      going("events", () => this.tell(inventory.faults.values())),
      REMINDER_MS,
    ).unref();
  }

  /** What is wrong with objects by themselves. */
  tell(faults: Iterable<Fault>): void {
    for (const fault of faults) this.events.tell(fault, () => this.inventory.faults.has(faultId(fault)));
  }

  /** The parent zone does not take a domain. */
  refused(name: Name, zone: Name): void {
    this.tellOwner(
      name,
      "NotDelegated",
      `${showName(name)} is not delegated to this cluster, so that nobody finds it: a server of the zone ${showName(zone)} refuses ` +
        `it, since others have records at or below it, or its key may not delegate to here; choose another name, or change that zone`,
    );
  }

  /** No target of a domain has ever answered its probe. */
  silent(name: Name, probe: string, result: ProbeResult): void {
    this.tellOwner(
      name,
      "ProbeFails",
      `no target of ${showName(name)} has ever answered its probe ${probe} (${result}), so that all are given, well or not; ` +
        `say by the annotation dns.peak/probe what they answer: tcp:PORT, http:PORT/PATH or off`,
    );
  }

  /** The query of a domain cannot be used. */
  unsteered({ name, owner, steering, ttl }: Domain, why: string): void {
    const fault = { object: owner, reason: "InvalidQuery", message: `${formatName(name)} is not steered by its query: ${why}` };
    this.events.tell(fault, () => {
      const now = this.domains.get(name);
      return isDeepStrictEqual([now?.steering, now?.ttl], [steering, ttl]);
    });
  }

  private tellOwner(name: Name, reason: string, message: string): void {
    const owner = this.domains.get(name)?.owner;
    if (owner) this.events.tell({ object: owner, reason, message }, () => this.domains.get(name) !== undefined);
  }

  stop(): void {
    clearInterval(this.reminder);
    this.events.stop();
  }
}
