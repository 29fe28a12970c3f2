import type { ProbeListener } from "../../health/prober.ts";
import type { Published } from "../../publishing/domain-zone.ts";
import { Selector, type SelectorSettings } from "../../selection/selector.ts";
import type { SteeringListener } from "../../steering/steering.ts";
import type { Name } from "../../wire/name.ts";
import type { Domains } from "./domains.ts";

/** Told what comes of probes and loads: `changed` once something is to be chosen anew. */
export interface ChoiceListener extends Omit<SteeringListener & ProbeListener, "changed"> {
  changed(): void;
}

/** The third stage: which targets of each domain are given. */
export class Choice {
  readonly selector: Selector;
  private readonly domains: Domains;
  /** Domains of which it has to be chosen anew. */
  private readonly due = new Set<Name>();

  /** @param before of an earlier configuration */
  constructor(domains: Domains, settings: SelectorSettings, listener: ChoiceListener, before?: Selector) {
    this.domains = domains;
    const changed = (name: Name): void => {
      this.due.add(name);
      listener.changed();
    };
    this.selector = new Selector(settings, { ...listener, changed }, before);
  }

  /**
   * Chooses for those domains, and for those whose probes or loads have changed.
   * @returns what is to be published of each; nothing of one that is gone
   */
  choose(names: Iterable<Name>): [Name, Published | undefined][] {
    for (const name of names) this.due.add(name);
    const chosen = Array.from(this.due, (name): [Name, Published | undefined] => [name, this.publish(name)]);
    this.due.clear();
    return chosen;
  }

  private publish(name: Name): Published | undefined {
    const domain = this.domains.get(name);
    if (!domain) {
      this.selector.remove(name);
      return undefined;
    }
    const { chosen, candidates, ttl } = this.selector.select(domain);
    return { ...domain, chosen, named: candidates, ttl: ttl.seconds };
  }
}
