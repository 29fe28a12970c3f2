import { Prober, type ProbeListener, type ProbeSettings } from "../health/prober.ts";
import type { Domain, Target, Verdict } from "../kubernetes/model.ts";
import { Steering, type SteeringCounts, type SteeringListener, type SteeringSettings } from "../steering/steering.ts";
import { ttlOf, type Ttl, type TtlSettings } from "../steering/ttl.ts";
import type { Name } from "../wire/name.ts";

export interface SelectorSettings extends SteeringSettings, TtlSettings {
  readonly probe: ProbeSettings;
}

/** What is given for a domain, and why. */
export interface Selected {
  readonly chosen: readonly Target[];
  /** All that could be given: what a target's own name leads to does not depend on its load. */
  readonly candidates: readonly Target[];
  readonly ttl: Ttl;
  /** By target key. */
  readonly verdicts: ReadonlyMap<string, Judged>;
}

/** A verdict, and the one before it. */
export interface Judged {
  readonly verdict: Verdict;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly before: Verdict | undefined;
}

/** What metrics show of the choice. */
export interface SelectionCounts {
  readonly selections: ReadonlyMap<Name, Selected>;
  readonly loads: Iterable<{ readonly domain: Name; readonly target: string; readonly load: number }>;
  readonly probes: ReturnType<Prober["counts"]>;
  readonly steering: SteeringCounts;
  /** Since when Prometheus is lost. */
  readonly prometheus: { readonly seconds: number; readonly reason: string } | undefined;
}

/** Chooses which targets of each domain are given: by what Kubernetes says, by probes, then by loads. */
export class Selector {
  readonly prober: Prober;
  readonly steering: Steering;
  private readonly settings: SelectorSettings;
  private readonly selected = new Map<Name, Selected>();

  /**
   * @param listener told when it has to be chosen anew for a domain
   * @param before that of an earlier configuration
   */
  constructor(settings: SelectorSettings, listener: SteeringListener & ProbeListener, before?: Selector) {
    this.settings = settings;
    this.prober = new Prober(settings.probe, listener);
    this.steering = new Steering(settings, listener, before?.steering);
  }

  /** Chooses for a domain as it now is; from then on its targets are probed and their loads are asked for. */
  select(domain: Domain): Selected {
    const { name, targets } = domain;
    this.prober.set(name, targets);
    const verdicts = new Map<string, Verdict>(targets.map((target) => [target.key, availability(target)]));
    const available = targets.filter(({ key }) => verdicts.get(key) === "in");
    const alive = available.filter((target) => !this.prober.failed(target));
    // a domain without any answer helps nobody: if none of its targets answers us, one may still answer its askers
    const candidates = alive.length > 0 ? alive : available;
    if (candidates === alive) for (const target of available) if (this.prober.failed(target)) verdicts.set(target.key, "probe failed");
    const { chosen, verdicts: steered, ttl, interval } = this.steering.select(domain, candidates);
    for (const [key, verdict] of steered) verdicts.set(key, verdict);
    const secondsToChange = [interval, ...available.map((target) => this.prober.secondsToChange(target))].filter(
      (seconds) => seconds !== undefined,
    );
    const selected = {
      chosen,
      candidates,
      ttl: ttlOf(domain.ttl, { queried: ttl, secondsToChange }, this.settings),
      verdicts: judge(verdicts, this.selected.get(name)?.verdicts),
    };
    this.selected.set(name, selected);
    return selected;
  }

  /** Whether all has been looked at: what is chosen from now on rests on probes and loads. */
  isSettled(): boolean {
    return this.prober.isSettled() && this.steering.isSettled();
  }

  remove(domain: Name): void {
    this.prober.remove(domain);
    this.steering.remove(domain);
    this.selected.delete(domain);
  }

  /** What was chosen last for each domain. */
  selections(): ReadonlyMap<Name, Selected> {
    return this.selected;
  }

  /** Numbers for the metrics. */
  counts(): SelectionCounts {
    const { selected: selections, steering, prober } = this;
    return { selections, loads: steering.loads(), probes: prober.counts(), steering: steering.counts(), prometheus: steering.lostSince() };
  }

  stop(): void {
    this.prober.stop();
    this.steering.stop();
  }
}

function availability({ state, ipv6, ipv4 }: Target): Verdict {
  if (state !== "ready") return state;
  return ipv6 || ipv4 ? "in" : "no address";
}

function judge(verdicts: ReadonlyMap<string, Verdict>, before: ReadonlyMap<string, Judged> | undefined): Map<string, Judged> {
  const now = Date.now();
  const judged = new Map<string, Judged>();
  for (const [key, verdict] of verdicts) {
    const old = before?.get(key);
    judged.set(key, old?.verdict === verdict ? old : { verdict, since: now, before: old?.verdict });
  }
  return judged;
}
