import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics, type HistogramConfiguration } from "prom-client";
import type { RegistrationState } from "./registration/registration.ts";
import { unexpectedCounts } from "./runtime/unexpected.ts";
import { BYTES, readSamples, SAMPLED, SECONDS, type Histogram as Counted } from "./transport/batched/sampler.ts";
import type { Protocol, Response } from "./view/exchange.ts";
import { rcodeName, typeName } from "./wire/constants.ts";

const PROTOCOLS: readonly Protocol[] = ["udp", "tcp", "tls", "https"];

/** What worker threads counted since the start. */
export interface WorkerCounts {
  counts(): Iterable<{ type: number; rcode: number; count: number }>;
  dropped(): number;
  sentAway(): number;
  samples(): ReturnType<typeof readSamples>;
}

/** What gauges show. */
export interface ServerState {
  viewVersion(): number;
  /** How long the source of the view has been lost, and why. */
  lost(): { readonly seconds: number; readonly reason: string } | undefined;
  registrations(): RegistrationState[];
}

/** A histogram that is counted elsewhere. */
class CountedHistogram extends Histogram {
  private readonly configuration: HistogramConfiguration<string>;
  private readonly read: () => Counted;

  constructor(configuration: HistogramConfiguration<string>, read: () => Counted) {
    super(configuration);
    this.configuration = configuration;
    this.read = read;
  }

  /** What the registry asks for; the types of prom-client do not show it. */
  async getForPromString(): Promise<object> {
    const { name, help, buckets = [] } = this.configuration;
    const { counts, sum } = this.read();
    let total = 0;
    const below = counts.map((count, i) => {
      total += count;
      return { metricName: `${name}_bucket`, labels: { le: buckets[i] ?? "+Inf" }, value: total };
    });
    const value = (suffix: string, number: number): { metricName: string; labels: object; value: number } => ({
      metricName: name + suffix,
      labels: {},
      value: number,
    });
    return { name, help, type: "histogram", aggregator: "sum", values: [...below, value("_sum", sum), value("_count", total)] };
  }
}

/** The metrics of a server. The query path only adds to plain numbers; the registry reads them when it is asked. */
export class Metrics {
  readonly registry = new Registry();
  private readonly programming = new Histogram({
    name: "dns_programming_duration_seconds",
    help: "From a change in the cluster to answers that have it.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });
  private readonly latency = new Histogram({
    name: "peakdns_answer_seconds",
    help: "From a query to its answer, for queries that the main thread answers.",
    labelNames: ["transport"],
    buckets: [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05],
    registers: [this.registry],
  });
  private readonly sizes = new Histogram({
    name: "peakdns_answer_bytes",
    help: "Sizes of the answers of the main thread.",
    labelNames: ["transport"],
    buckets: [64, 128, 256, 512, 768, 1024, 1232, 2048, 4096, 16_384, 65_535],
    registers: [this.registry],
  });
  private readonly queries = new Map<number, number>();
  private readonly workers: WorkerCounts[] = [];
  private dropped = 0;

  constructor(state: ServerState) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry, prefix: "peakdns_" });
    const { queries, workers } = this;
    new Counter({
      name: "peakdns_unexpected_errors_total",
      help: "Faults that nobody foresaw, by where they came up; the log has them, and the server went on.",
      labelNames: ["place"],
      registers,
      collect() {
        this.reset();
        for (const [place, count] of unexpectedCounts()) this.inc({ place }, count);
      },
    });
    new Counter({
      name: "peakdns_queries_total",
      help: "Answered queries by type, rcode and transport.",
      labelNames: ["type", "rcode", "transport"],
      registers,
      collect() {
        this.reset();
        const add = (type: number, rcode: number, transport: Protocol, count: number): void =>
          this.inc({ type: typeLabel(type), rcode: rcodeName(rcode), transport }, count);
        for (const [key, count] of queries) add(key >>> 16, (key >> 2) & 0x3fff, PROTOCOLS[key & 3]!, count);
        for (const worker of workers) for (const { type, rcode, count } of worker.counts()) add(type, rcode, "udp", count);
      },
    });
    const samples = (): ReturnType<typeof readSamples>[] => workers.map((worker) => worker.samples());
    // there is one transport of workers at most
    const none = readSamples([]);
    const sampled = `Of one answer in ${SAMPLED} that worker threads give over UDP:`;
    new CountedHistogram(
      {
        name: "peakdns_sampled_answer_seconds",
        help: `${sampled} from taking its batch of queries from the kernel until the batch is answered.`,
        buckets: SECONDS,
        registers,
      },
      () => (samples()[0] ?? none).seconds,
    );
    new CountedHistogram(
      { name: "peakdns_sampled_answer_bytes", help: `${sampled} its size.`, buckets: BYTES, registers },
      () => (samples()[0] ?? none).bytes,
    );
    const dropped = (): number => workers.reduce((sum, worker) => sum + worker.dropped(), this.dropped);
    new Counter({
      name: "peakdns_dropped_total",
      help: "Packets that were not answered: no queries, or too many odd ones at once.",
      registers,
      collect() {
        this.reset();
        this.inc(dropped());
      },
    });
    new Counter({
      name: "peakdns_sent_to_tcp_total",
      help: "Odd queries over UDP that were told to come by TCP, since more came than could be answered.",
      registers,
      collect() {
        this.reset();
        this.inc(workers.reduce((sum, worker) => sum + worker.sentAway(), 0));
      },
    });
    new Gauge({
      name: "peakdns_view_version",
      help: "Views since the start.",
      registers,
      collect() {
        this.set(state.viewVersion());
      },
    });
    new Gauge({
      name: "peakdns_view_age_seconds",
      help: "How long the source of the view has been lost, and why; 0 while it is watched.",
      labelNames: ["reason"],
      registers,
      collect() {
        this.reset();
        const lost = state.lost();
        this.set({ reason: lost?.reason.replaceAll(" ", "_") ?? "" }, lost?.seconds ?? 0);
      },
    });
    new Gauge({
      name: "peakdns_registration_age_seconds",
      help: "Since a server of the parent zone last took the domains; NaN before the first time.",
      labelNames: ["server"],
      registers,
      collect() {
        for (const { server, seconds } of state.registrations()) this.set({ server }, seconds ?? NaN);
      },
    });
    new Gauge({
      name: "peakdns_registration_refused",
      help: "Domains that a server of the parent zone does not take.",
      labelNames: ["server"],
      registers,
      collect() {
        for (const { server, refused } of state.registrations()) this.set({ server }, refused);
      },
    });
  }

  /** Adds the counts of worker threads. */
  addWorkers(worker: WorkerCounts): void {
    this.workers.push(worker);
  }

  /** A change in the cluster has come into the answers. */
  programmed(seconds: number): void {
    this.programming.observe(seconds);
  }

  /** @param seconds that the answer took, where that is measured: worker threads answer a batch in less than a clock could tell */
  count(response: Response | undefined, protocol: Protocol, seconds?: number): void {
    if (!response) {
      this.dropped++;
      return;
    }
    this.sizes.observe({ transport: protocol }, response.message.length);
    if (seconds !== undefined) this.latency.observe({ transport: protocol }, seconds);
    const key = ((response.type ?? 0) << 16) | (response.rcode << 2) | PROTOCOLS.indexOf(protocol);
    this.queries.set(key, (this.queries.get(key) ?? 0) + 1);
  }
}

/** Unknown types share a label: askers must not be able to fill the memory. */
function typeLabel(type: number): string {
  const label = typeName(type);
  return label.startsWith("TYPE") ? "other" : label;
}
