import type { TemplateAnswer } from "./loads.ts";
import { QueryError } from "./prometheus.ts";

/** A template of a domain and the last good answer to it, which stays in force while there is no newer one. */
export class Reading<T> {
  readonly template: string;
  /** Of the template: it is not asked any more. */
  fault: string | undefined;
  /** Why the last attempt gave nothing; undefined after one that did. */
  error: string | undefined;
  private last: (TemplateAnswer<T> & { readonly at: number }) | undefined;
  private told = false;

  /** @param fault what is known to be wrong with the template */
  constructor(template: string, fault: string | undefined) {
    this.template = template;
    this.fault = fault;
  }

  /** As it is now, to go on with by itself. */
  copy(): Reading<T> {
    const copy = new Reading<T>(this.template, this.fault);
    Object.assign(copy, { error: this.error, last: this.last, told: this.told });
    return copy;
  }

  get value(): T | undefined {
    return this.last?.value;
  }

  get answer(): TemplateAnswer<T> | undefined {
    return this.last;
  }

  /** Of the last good answer. */
  get ageSeconds(): number | undefined {
    return this.last && (performance.now() - this.last.at) / 1000;
  }

  /**
   * Asks anew.
   * @returns what its author must be told: a fault of the query's, once
   * @throws never: what goes wrong is in `error` and `fault`
   */
  async refresh(ask: () => Promise<TemplateAnswer<T>>): Promise<string | undefined> {
    try {
      this.last = { ...(await ask()), at: performance.now() };
      this.error = undefined;
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      this.error = message;
      if (!(error instanceof QueryError) || error.isLoss) return undefined;
      if (error.reason === "rejected") {
        this.fault = message;
        this.last = undefined;
      }
      return this.tellOnce(message);
    }
  }

  /** @returns a message the first time, nothing after that */
  tellOnce(message: string): string | undefined {
    if (this.told) return undefined;
    this.told = true;
    return message;
  }
}
