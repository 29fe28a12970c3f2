import { log } from "../runtime/log.ts";
import { QueryError, type Prometheus, type QueryErrorReason, type QueryResult } from "./prometheus.ts";

/** Since when Prometheus is lost, and why. */
export interface PrometheusLoss {
  /** By `performance.now`. */
  readonly since: number;
  readonly reason: QueryErrorReason;
  readonly message: string;
}

/** A Prometheus whose answers are counted, and of which is known whether it answers at all. */
export class ObservedPrometheus {
  readonly errors = new Map<QueryErrorReason, number>();
  requests = 0;
  warnings = 0;
  private readonly prometheus: Prometheus;
  private readonly url: string;
  private answers = 0;
  private lastLoss: QueryError | undefined;
  private loss: PrometheusLoss | undefined;

  /** @param loss what is known of it by an earlier configuration */
  constructor(prometheus: Prometheus, url: string, loss: PrometheusLoss | undefined) {
    this.prometheus = prometheus;
    this.url = url;
    this.loss = loss;
  }

  get lost(): PrometheusLoss | undefined {
    return this.loss;
  }

  /** @param signal gives up @throws QueryError */
  async query(promql: string, signal?: AbortSignal): Promise<QueryResult> {
    this.requests++;
    try {
      const result = await this.prometheus.query(promql, signal);
      this.warnings += result.warnings.length;
      this.answered();
      return result;
    } catch (error) {
      if (!(error instanceof QueryError) || signal?.aborted) throw error;
      this.errors.set(error.reason, (this.errors.get(error.reason) ?? 0) + 1);
      if (error.isLoss) this.lastLoss = error;
      else this.answered();
      throw error;
    }
  }

  /** Runs a round of queries, after which it is lost if none was answered: one query that is too slow does not mean that. */
  async round(queries: () => Promise<void>): Promise<void> {
    const start = performance.now();
    const { answers } = this;
    this.lastLoss = undefined;
    await queries();
    if (this.answers === answers && this.lastLoss) this.lose(start, this.lastLoss);
  }

  /** Lets go of connections. */
  close(): void {
    this.prometheus.close();
  }

  private answered(): void {
    this.answers++;
    if (this.loss) log("info", "Prometheus answers again", { url: this.url });
    this.loss = undefined;
  }

  private lose(since: number, { reason, message }: QueryError): void {
    if (!this.loss) log("warn", "Prometheus is away, steering by the last loads", { url: this.url, error: message });
    this.loss = { since: this.loss?.since ?? since, reason, message };
  }
}
