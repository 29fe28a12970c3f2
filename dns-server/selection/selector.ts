import { Prober, type ProbeListener, type ProbeSettings } from "../health/prober.ts";
import type { Domain, Target, Verdict } from "../model/domain.ts";
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
  /** Keys of targets whose node is lost, and that were given before. */
  readonly remembered: ReadonlySet<string>;
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
  /** Candidates without a load, by domain. */
  readonly missing: Iterable<{ readonly domain: Name; readonly count: number }>;
  /** Domains that are over a bound. */
  readonly unasked: Iterable<Name>;
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
  /** What was selected by an earlier configuration. */
  private readonly earlier: ReadonlyMap<Name, Selected>;

  /**
   * @param listener told when it has to be chosen anew for a domain
   * @param before that of an earlier configuration
   */
  constructor(settings: SelectorSettings, listener: SteeringListener & ProbeListener, before?: Selector) {
    this.settings = settings;
    this.earlier = before?.selections() ?? new Map();
    this.prober = new Prober(settings.probe, listener);
    this.steering = new Steering(settings, listener, before?.steering);
  }

  /** Chooses for a domain as it now is; from then on its targets are probed and their loads are asked for. */
  select(domain: Domain): Selected {
    const { name, targets } = domain;
    this.prober.set(name, targets);
    const verdicts = new Map<string, Verdict>(targets.map((target) => [target.key, availability(target)]));
    const before = this.selected.get(name) ?? this.earlier.get(name);
    const available = targets.filter(({ key }) => verdicts.get(key) === "in");
    const lost = targets.filter(isLost);
    const remembered = lost.length > 0 ? givenBefore(lost, before) : NONE;
    // that a pod answers us says more than that Kubernetes has lost its node
    const alive = targets.filter((target) => (verdicts.get(target.key) === "in" ? !this.prober.failed(target) : isLost(target) && this.prober.answers(target)));
    // a domain without any answer helps nobody: if none of its targets answers us, one may still answer its askers
    const candidates = alive.length > 0 ? alive : available.length > 0 ? available : lost.filter(({ key }) => remembered.has(key));
    if (candidates === alive) for (const target of available) if (this.prober.failed(target)) verdicts.set(target.key, "probe failed");
    const { chosen, verdicts: steered, ttl, interval } = this.steering.select(domain, candidates);
    for (const [key, verdict] of steered) verdicts.set(key, verdict);
    const secondsToChange = [interval, ...[...available, ...lost].map((target) => this.prober.secondsToChange(target))].filter(
      (seconds) => seconds !== undefined,
    );
    const selected = {
      chosen,
      candidates,
      remembered,
      ttl: ttlOf(domain.ttl, { queried: ttl, secondsToChange }, this.settings),
      verdicts: judge(verdicts, before?.verdicts),
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
    return {
      selections,
      loads: steering.loads(),
      missing: steering.missing(),
      unasked: steering.unasked(),
      probes: prober.counts(),
      steering: steering.counts(),
      prometheus: steering.lostSince(),
    };
  }

  stop(): void {
    this.prober.stop();
    this.steering.stop();
  }
}

function availability(target: Target): Verdict {
  if (target.state !== "ready") return target.state;
  return hasAddress(target) ? "in" : "no address";
}

const isLost = (target: Target): boolean => target.state === "node lost" && hasAddress(target);

const NONE: ReadonlySet<string> = new Set();

function givenBefore(targets: readonly Target[], before: Selected | undefined): Set<string> {
  const given = new Set(before?.candidates.map(({ key }) => key));
  return new Set(targets.flatMap(({ key }) => (given.has(key) || before?.remembered.has(key) ? key : [])));
}

const hasAddress = ({ ipv6, ipv4 }: Target): boolean => ipv6 !== undefined || ipv4 !== undefined;

function judge(verdicts: ReadonlyMap<string, Verdict>, before: ReadonlyMap<string, Judged> | undefined): Map<string, Judged> {
  const now = Date.now();
  const judged = new Map<string, Judged>();
  for (const [key, verdict] of verdicts) {
    const old = before?.get(key);
    judged.set(key, old?.verdict === verdict ? old : { verdict, since: now, before: old?.verdict });
  }
  return judged;
}
