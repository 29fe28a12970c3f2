import type { Domain, Target, Verdict } from "../model/domain.ts";
import { going, unexpected } from "../runtime/unexpected.ts";
import type { Name } from "../wire/name.ts";
import type { PrometheusAccess } from "./access.ts";
import { overBounds } from "./bounds.ts";
import { askLoads, askSeconds, type TemplateAnswer } from "./loads.ts";
import { ObservedPrometheus } from "./observed.ts";
import { FORGET } from "./policy.ts";
import { Prometheus, type QueryErrorReason } from "./prometheus.ts";
import { Reading } from "./reading.ts";
import { reportOf, type QueryReport, type SteeringReport } from "./report.ts";
import type { PrometheusConfig } from "./settings.ts";
import { decide, demandOfSteered, isSettled, subjectOf, UNSTEERED, verdictOn, type Steered } from "./steered.ts";
import { templateFault } from "./template.ts";

export interface SteeringSettings {
  /** Without it no domain is steered. */
  readonly prometheus?: PrometheusConfig | undefined;
  /** What Prometheus is asked with; made of its configuration when it is absent. */
  readonly access?: PrometheusAccess | undefined;
  /** What `%cluster-name%` stands for. */
  readonly clusterName?: string | undefined;
  /** Share of the threshold that re-admission needs. */
  readonly readmissionMargin: number;
  /** Share of a domain's candidates that may be held back at once. */
  readonly maxHeld: number;
}

export interface SteeringListener {
  /** The selection of a domain may be another. */
  changed(domain: Name): void;
  /** Something that only the author of the domain's annotations can put right. Told once for each text. */
  fault(domain: Domain, message: string): void;
}

/** Which candidates of a domain are given. */
export interface Selection {
  readonly chosen: readonly Target[];
  /** By target key. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** What the query for the TTL gave, seconds. */
  readonly ttl: number | undefined;
  /** Seconds between two looks at the loads; undefined for a domain that is not steered. */
  readonly interval: number | undefined;
}

/** Numbers for the metrics. */
export interface SteeringCounts {
  readonly rounds: number;
  readonly lastRoundSeconds: number | undefined;
  readonly requests: number;
  readonly errors: ReadonlyMap<QueryErrorReason, number>;
  readonly warnings: number;
  /** Answers that had no load of any candidate. */
  readonly emptyAnswers: number;
}

/** Answers without any load before their author is told: after loads, and before there were any, as of pods that have just begun. */
const EMPTY_TOLD = { after: 3, before: 12 };
/** Part of the interval that is left to chance, so that several servers do not ask in step. */
const JITTER = 0.1;

/**
 * Asks Prometheus for the loads of all steered domains, round after round, and chooses among their targets. While Prometheus does not
 * answer the last loads stay in force.
 */
export class Steering {
  private readonly settings: SteeringSettings;
  private readonly listener: SteeringListener;
  private readonly prometheus: ObservedPrometheus | undefined;
  private before: Steering | undefined;
  private readonly steered = new Map<Name, Steered>();
  private emptyAnswers = 0;
  private rounds = 0;
  /** Queries of this round, those that are still to be sent included. */
  private asked = 0;
  /** To be asked for in a moment. */
  private readonly fresh = new Set<Steered>();
  private soon: NodeJS.Immediate | undefined;
  private lastRoundSeconds: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param before that of an earlier configuration: its last loads stay in force until there are new ones */
  constructor(settings: SteeringSettings, listener: SteeringListener, before?: Steering) {
    this.settings = settings;
    this.listener = listener;
    this.before = before;
    if (!settings.prometheus) return;
    const { url } = settings.prometheus;
    const loss = before?.settings.prometheus?.url === url ? before.prometheus?.lost : undefined;
    this.prometheus = new ObservedPrometheus(new Prometheus(settings.prometheus, settings.access), url, loss);
    this.schedule(this.intervalMs());
  }

  /**
   * Takes a domain as it now is, and selects by the loads that are known.
   * @param candidates targets that could be given: ready, and well by their probes
   */
  select(domain: Domain, candidates: readonly Target[]): Selection {
    const { prometheus } = this.settings;
    if (!domain.steering && domain.ttl?.kind !== "query") {
      this.remove(domain.name);
      return { chosen: candidates, verdicts: new Map(candidates.map(({ key }) => [key, "in"])), ttl: undefined, interval: undefined };
    }
    const isNew = !this.steered.has(domain.name);
    const known = this.steered.get(domain.name) ?? this.inherited(domain.name);
    const loads = this.reading(known?.loads, domain.steering?.query, domain);
    const ttl = this.reading(known?.ttl, domain.ttl?.kind === "query" ? domain.ttl.query : undefined, domain);
    const steered: Steered = known ?? { domain, candidates, loads, ttl, ...UNSTEERED };
    const fresh = isNew || loads !== known?.loads || ttl !== known?.ttl;
    if (loads?.template !== known?.loads?.template || domain.steering?.policy !== known?.domain.steering?.policy)
      Object.assign(steered, UNSTEERED);
    Object.assign(steered, { domain, candidates, loads, ttl });
    this.steered.set(domain.name, steered);
    steered.round = decide(steered, this.settings);
    // a new text is asked at once: that checks it, and its loads are not waited for
    if (fresh) {
      this.fresh.add(steered);
      this.soon ??= setImmediate(going("steering", () => this.askFresh()));
    }
    const verdicts = new Map(candidates.map(({ key }): [string, Verdict] => [key, verdictOn(steered, key)]));
    return {
      chosen: candidates.filter(({ key }) => verdicts.get(key) === "in"),
      verdicts,
      ttl: steered.over === undefined ? ttl?.value : undefined,
      interval: domain.steering && !loads?.fault && steered.over === undefined ? prometheus?.interval : undefined,
    };
  }

  remove(domain: Name): void {
    this.steered.delete(domain);
  }

  /** Whether each template has been asked. */
  isSettled(): boolean {
    return [...this.steered.values()].every(isSettled);
  }

  /** For a domain that asks to be steered. */
  report(domain: Name): SteeringReport | undefined {
    const steered = this.steered.get(domain);
    if (!steered?.loads || !steered.domain.steering) return undefined;
    const { loads, round } = steered;
    return {
      policy: steered.domain.steering.policy,
      threshold: round.threshold,
      loads: loads.value ?? new Map(),
      held: round.held,
      notes: round.notes,
      query: reportOf(loads, steered.over),
    };
  }

  /** Of the query for the TTL. */
  ttlReport(domain: Name): QueryReport | undefined {
    const steered = this.steered.get(domain);
    return steered?.ttl && reportOf(steered.ttl, steered.over);
  }

  /** Whether Prometheus answers: since when and why not. */
  lostSince(): { readonly seconds: number; readonly reason: QueryErrorReason; readonly message: string } | undefined {
    const lost = this.prometheus?.lost;
    return lost && { seconds: (performance.now() - lost.since) / 1000, reason: lost.reason, message: lost.message };
  }

  /** Last loads of candidates. */
  *loads(): Generator<{ domain: Name; target: string; load: number }> {
    for (const { domain, candidates, loads } of this.steered.values())
      for (const { key } of candidates) {
        const load = loads?.value?.get(key);
        if (load !== undefined) yield { domain: domain.name, target: key, load };
      }
  }

  /** Candidates of which the last answer has no load, by domain. */
  *missing(): Generator<{ domain: Name; count: number }> {
    for (const { domain, candidates, loads } of this.steered.values())
      if (loads?.value) yield { domain: domain.name, count: candidates.filter(({ key }) => !loads.value!.has(key)).length };
  }

  /** Domains that are not asked for, since bounds say so. */
  *unasked(): Generator<Name> {
    for (const { domain, over } of this.steered.values()) if (over !== undefined) yield domain.name;
  }

  counts(): SteeringCounts {
    const { rounds, lastRoundSeconds, emptyAnswers } = this;
    const { requests = 0, errors = new Map<QueryErrorReason, number>(), warnings = 0 } = this.prometheus ?? {};
    return { rounds, lastRoundSeconds, requests, errors, warnings, emptyAnswers };
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.soon) clearImmediate(this.soon);
    this.prometheus?.close();
    this.steered.clear();
    this.before = undefined;
  }

  /** What was known of a domain before this configuration, if it can still be asked as it was. */
  private inherited(domain: Name): Steered | undefined {
    const { before } = this;
    const old = before?.steered.get(domain);
    if (!old || !this.prometheus || before?.settings.clusterName !== this.settings.clusterName) return undefined;
    const take = <T>(reading: Reading<T> | undefined): Reading<T> | undefined =>
      reading?.fault === undefined ? reading?.copy() : undefined;
    return { ...old, loads: take(old.loads), ttl: take(old.ttl) };
  }

  /** The reading of a template: the same one as long as the text is the same. */
  private reading<T>(known: Reading<T> | undefined, template: string | undefined, domain: Domain): Reading<T> | undefined {
    if (template === undefined || known?.template === template) return template === undefined ? undefined : known;
    const fault = this.prometheus
      ? templateFault(template, this.settings.clusterName)
      : "the server's configuration has no key prometheus: nobody can be asked for loads";
    const reading = new Reading<T>(template, fault);
    if (fault !== undefined) this.tell(domain, reading.tellOnce(fault));
    return reading;
  }

  private intervalMs(): number {
    return (this.settings.prometheus?.interval ?? 0) * 1000 * (1 + JITTER * (Math.random() - 0.5));
  }

  private schedule(delay: number): void {
    this.timer = setTimeout(
      going("steering", () => this.round()),
      delay,
    );
  }

  /** Finds out who is asked for within the bounds, and tells those that are not any more. @returns queries of those that are */
  private allot(): number {
    const { prometheus } = this.settings;
    if (!prometheus) return 0;
    const demands = [...this.steered.values()].map((steered) => demandOfSteered(steered, this.settings)).filter(({ queries }) => queries > 0);
    const bounded = overBounds(demands, prometheus);
    for (const steered of this.steered.values()) {
      const over = bounded.get(steered.domain.name);
      const { over: before, domain } = steered;
      steered.over = over;
      if ((over === undefined) === (before === undefined)) continue;
      if (over !== undefined) this.tell(domain, over);
      // what was remembered was of another time
      Object.assign(steered, { ...UNSTEERED, over });
      this.listener.changed(domain.name);
    }
    return demands.reduce((sum, { domain, queries }) => sum + (bounded.has(domain) ? 0 : queries), 0);
  }

  /** Asks for domains with new texts, as far as the round has room for them; the others are asked for in the next one. */
  private async askFresh(): Promise<void> {
    this.soon = undefined;
    const fresh = [...this.fresh].filter((steered) => this.steered.get(steered.domain.name) === steered);
    this.fresh.clear();
    this.allot();
    const most = this.settings.prometheus?.queriesPerRound ?? 0;
    const asked = fresh.filter((steered) => {
      const { queries } = demandOfSteered(steered, this.settings);
      if (steered.over !== undefined || this.asked + queries > most) return false;
      this.asked += queries;
      return true;
    });
    await Promise.all(asked.map((steered) => this.refresh(steered)));
  }

  /** Asks for all domains at once: the client of Prometheus holds back what is too much. */
  private async round(): Promise<void> {
    const start = performance.now();
    if (this.steered.size > 0) {
      await this.prometheus?.round(() => this.askAll());
      this.rounds++;
      this.lastRoundSeconds = (performance.now() - start) / 1000;
    }
    if (!this.stopped) this.schedule(Math.max(0, this.intervalMs() - (performance.now() - start)));
  }

  private async askAll(): Promise<void> {
    this.asked = this.allot();
    // what goes wrong with one domain is no other's affair
    await Promise.all([...this.steered.values()].map((steered) => this.refresh(steered).catch((error: unknown) => unexpected("steering", error))));
  }

  /** Asks for one domain, and tells when its selection is another by that. */
  private async refresh(steered: Steered): Promise<void> {
    const { domain, candidates, loads, ttl } = steered;
    const { prometheus } = this;
    if (!prometheus || this.stopped || steered.over !== undefined) return;
    const subject = subjectOf(steered, this.settings);
    const isCurrent = (): boolean => this.steered.get(domain.name) === steered;
    const read = async <T>(reading: Reading<T> | undefined, ask: (template: string) => Promise<TemplateAnswer<T>>): Promise<void> => {
      if (!reading || reading.fault !== undefined) return;
      const told = await reading.refresh(() => ask(reading.template));
      if (isCurrent()) this.tell(domain, told);
    };
    const ttlBefore = ttl?.value;
    const answerBefore = loads?.answer;
    await Promise.all([
      read(loads, (template) => askLoads(prometheus, template, subject)),
      read(ttl, (template) => askSeconds(prometheus, template, subject)),
    ]);
    if (!isCurrent() || steered.loads !== loads || steered.ttl !== ttl) return;
    const { held } = steered.round;
    if (loads && loads.answer !== answerBefore && loads.value) {
      this.countEmpty(steered, loads.value.size === 0 && candidates.length > 0);
      steered.before = steered.round.memories;
      steered.round = decide(steered, this.settings);
    }
    const now = steered.round.held;
    const isSame = held.size === now.size && [...held].every((key) => now.has(key));
    if (!isSame || ttlBefore !== ttl?.value) this.listener.changed(domain.name);
  }

  /** An answer that is right in itself, and has nothing of the domain's. */
  private countEmpty(steered: Steered, isEmpty: boolean): void {
    steered.empty = isEmpty ? steered.empty + 1 : 0;
    if (!isEmpty) return;
    const { domain, candidates } = steered;
    this.emptyAnswers++;
    // who has had a load is remembered with fewer rounds without one
    const hadLoads = [...steered.before.values()].some(({ missing }) => missing < FORGET);
    if (steered.empty === (hadLoads ? EMPTY_TOLD.after : EMPTY_TOLD.before))
      this.tell(
        domain,
        `it succeeds and gives no load of any of the ${candidates.length} pods: what is held back stays so for a while, and then all are given; ` +
          `see that the metrics are scraped, and that their labels pod and namespace are the pods'`,
      );
  }

  private tell(domain: Domain, message: string | undefined): void {
    if (message !== undefined) this.listener.fault(domain, message);
  }
}
