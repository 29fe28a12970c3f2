import type { ProbeSpec, Target } from "../model/domain.ts";
import { limiter } from "../runtime/concurrency.ts";
import { log } from "../runtime/log.ts";
import { going } from "../runtime/unexpected.ts";
import { formatIpv4, formatIpv6 } from "../wire/address.ts";
import { formatName, type Name } from "../wire/name.ts";
import { probeBySocket, type Check, type ProbeResult } from "./check.ts";
import { formatProbe } from "./spec.ts";
import { FAILURES_OUT, HealthState } from "./state.ts";

export interface ProbeSettings {
  /** Between two probes of one target, milliseconds. */
  readonly intervalMs: number;
}

export interface ProbeListener {
  /** A target of the domain has another verdict, or another distance from one. */
  changed(domain: Name): void;
  /** No target of the domain has answered yet, for long: more likely its probe is wrong than its targets. Told once for each probe. */
  silent(domain: Name, probe: string, result: ProbeResult): void;
}

/** What is known of a target by its probe. */
export interface ProbeReport {
  /** As the annotation `dns.peak/probe` says it. */
  readonly probe: string;
  /** Undefined before the first result. */
  readonly last: ProbeResult | undefined;
  /** Seconds since the last result. */
  readonly age: number | undefined;
  readonly failures: number;
  /** Whether it is taken for dead. */
  readonly out: boolean;
}

/** Part of the interval within which an answer must come: two time-outs in a row still end within three seconds. */
const TIMEOUT_SHARE = 0.75;
/** Part of the interval that is left to chance, so that targets are not asked all at once. */
const JITTER = 0.1;
const MAX_PARALLEL = 512;
/** Failures of a target that never answered after which its probe may be wrong. */
const SILENT_FAILURES = 10;
/** Domains in one line of the log. */
const MAX_LOGGED = 5;

interface Probe {
  readonly address: string;
  readonly spec: ProbeSpec;
  readonly domains: Set<Name>;
  timer: NodeJS.Timeout | undefined;
  last: ProbeResult | undefined;
  lastAt: number;
  hasAnswered: boolean;
  /** Whether its answers decide where Kubernetes knows nothing. */
  isEvidence: boolean;
}

/** Probes the targets of all domains: each address once, however many domains lead to it. */
export class Prober {
  private readonly settings: ProbeSettings;
  private readonly listener: ProbeListener;
  private readonly check: Check;
  private readonly state = new HealthState();
  private readonly probes = new Map<string, Probe>();
  private readonly byDomain = new Map<Name, ReadonlySet<string>>();
  private readonly limit = limiter(MAX_PARALLEL);
  private readonly results = new Map<ProbeResult, number>();
  private stopped = false;

  constructor(settings: ProbeSettings, listener: ProbeListener, check: Check = probeBySocket) {
    this.settings = settings;
    this.listener = listener;
    this.check = check;
  }

  /** Takes the targets that a domain now has; those that Kubernetes calls ready, or has lost contact to, are probed. */
  set(domain: Name, targets: readonly Target[]): void {
    const before = this.byDomain.get(domain) ?? new Set();
    const now = new Set<string>();
    for (const target of targets) {
      const isLost = target.state === "node lost";
      const id = isLost || target.state === "ready" ? probeId(target) : undefined;
      if (id === undefined) continue;
      now.add(id);
      const probe = this.probes.get(id) ?? this.add(id, target);
      probe.domains.add(domain);
      probe.isEvidence = isLost;
    }
    for (const id of before) if (!now.has(id)) this.drop(id, domain);
    if (now.size > 0) this.byDomain.set(domain, now);
    else this.byDomain.delete(domain);
  }

  remove(domain: Name): void {
    this.set(domain, []);
  }

  /** Whether a target is taken for dead. One without a probe never is. */
  failed(target: Target): boolean {
    const id = probeId(target);
    return id !== undefined && this.state.isOut(id);
  }

  /** Whether a target is known to be well: it has answered lately. More than not to have failed. */
  answers(target: Target): boolean {
    const id = probeId(target);
    return id !== undefined && this.isWell(id);
  }

  private isWell(id: string): boolean {
    return this.probes.get(id)?.hasAnswered === true && this.state.failures(id) < FAILURES_OUT;
  }

  /** Seconds until the next probes may change the verdict on a target; undefined for one without a probe. */
  secondsToChange(target: Target): number | undefined {
    const id = probeId(target);
    return id === undefined ? undefined : (this.state.resultsToChange(id) * this.settings.intervalMs) / 1000;
  }

  report(target: Target): ProbeReport | undefined {
    const id = probeId(target);
    const probe = id === undefined ? undefined : this.probes.get(id);
    if (id === undefined || !probe) return undefined;
    return {
      probe: formatProbe(probe.spec),
      last: probe.last,
      age: probe.last === undefined ? undefined : (performance.now() - probe.lastAt) / 1000,
      failures: this.state.failures(id),
      out: this.state.isOut(id),
    };
  }

  /** Whether it has an opinion of all targets: each has answered, or failed as often as it takes. */
  isSettled(): boolean {
    if (this.state.frozen) return true;
    for (const [id, { last }] of this.probes) if (last !== "ok" && !this.state.isOut(id)) return false;
    return true;
  }

  /** Numbers for the metrics. */
  counts(): {
    readonly targets: number;
    readonly out: number;
    readonly frozen: boolean;
    readonly results: ReadonlyMap<ProbeResult, number>;
  } {
    let out = 0;
    for (const id of this.probes.keys()) if (this.state.isOut(id)) out++;
    return { targets: this.probes.size, out, frozen: this.state.frozen, results: this.results };
  }

  stop(): void {
    this.stopped = true;
    for (const { timer } of this.probes.values()) clearTimeout(timer);
    this.probes.clear();
  }

  private add(id: string, target: Target): Probe {
    const address = probedAddress(target)!;
    const domains = new Set<Name>();
    const spec = target.probe!;
    const probe: Probe = { address, spec, domains, timer: undefined, last: undefined, lastAt: 0, hasAnswered: false, isEvidence: false };
    this.probes.set(id, probe);
    this.tell(() => this.state.add(id, target.node));
    this.schedule(id, probe, Math.random() * this.settings.intervalMs);
    return probe;
  }

  private drop(id: string, domain: Name): void {
    const probe = this.probes.get(id);
    if (!probe?.domains.delete(domain) || probe.domains.size > 0) return;
    clearTimeout(probe.timer);
    this.probes.delete(id);
    this.tell(() => this.state.remove(id));
  }

  private schedule(id: string, probe: Probe, delay: number): void {
    probe.timer = setTimeout(
      going("probe", () => this.probe(id, probe)),
      delay,
    );
  }

  private async probe(id: string, probe: Probe): Promise<void> {
    const { intervalMs } = this.settings;
    const current = (): boolean => !this.stopped && this.probes.get(id) === probe;
    await this.limit(async () => {
      const start = performance.now();
      if (!current()) return;
      const result = await this.check(probe.address, probe.spec, TIMEOUT_SHARE * intervalMs);
      if (!current()) return;
      const wasWell = this.isWell(id);
      probe.last = result;
      if (result === "ok") probe.hasAnswered = true;
      probe.lastAt = performance.now();
      this.results.set(result, (this.results.get(result) ?? 0) + 1);
      this.schedule(id, probe, Math.max(0, intervalMs * (1 - Math.random() * JITTER) - (probe.lastAt - start)));
      this.tell(() => {
        const before = this.state.resultsToChange(id);
        const changed = this.state.record(id, result === "ok");
        const isNews = this.state.resultsToChange(id) !== before || (probe.isEvidence && this.isWell(id) !== wasWell);
        return isNews ? [...changed, id] : changed;
      });
      if (!probe.hasAnswered && this.state.failures(id) === SILENT_FAILURES)
        for (const domain of probe.domains) if (this.isSilent(domain)) this.listener.silent(domain, formatProbe(probe.spec), result);
    });
  }

  private isSilent(domain: Name): boolean {
    return [...(this.byDomain.get(domain) ?? [])].every((id) => !this.probes.get(id)!.hasAnswered);
  }

  /** The domains that most of the failing targets are of, as `NAME FAILING/ALL`: one whose probe is wrong shows. */
  private failing(): string[] {
    const counts = Array.from(this.byDomain, ([domain, ids]) => ({
      domain,
      all: ids.size,
      failing: [...ids].filter((id) => this.state.failures(id) > 0).length,
    }));
    return counts
      .filter(({ failing }) => failing > 0)
      .toSorted((a, b) => b.failing - a.failing)
      .slice(0, MAX_LOGGED)
      .map(({ domain, all, failing }) => `${formatName(domain)} ${failing}/${all}`);
  }

  /** Makes a change and tells the domains of the targets that it returns, and the log when it begins or ends a freeze. */
  private tell(change: () => string[]): void {
    const frozen = this.state.frozen;
    const changed = change();
    if (this.state.frozen !== frozen) {
      const targets = this.state.size;
      if (frozen) log("info", "most targets answer probes again", { targets });
      else {
        const message = "more than half of all targets fail their probes at once: the fault may be ours, verdicts stay as they are";
        log("warn", message, { targets, failing: this.failing() });
      }
    }
    const domains = new Set(changed.flatMap((id) => [...(this.probes.get(id)?.domains ?? [])]));
    for (const domain of domains) this.listener.changed(domain);
  }
}

/** The address that is probed: one stands for both families, as one process listens on both. */
function probedAddress({ ipv6, ipv4 }: Target): string | undefined {
  if (ipv6) return formatIpv6(ipv6);
  return ipv4 && formatIpv4(ipv4);
}

const ids = new WeakMap<Target, string>();

/** What is probed, as a key; undefined for a target without a probe. */
function probeId(target: Target): string | undefined {
  const known = ids.get(target);
  if (known !== undefined) return known;
  const address = target.probe && probedAddress(target);
  if (address === undefined) return undefined;
  const id = `${address} ${formatProbe(target.probe!)}`;
  ids.set(target, id);
  return id;
}
