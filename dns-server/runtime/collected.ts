import { Counter, Gauge, type Registry } from "prom-client";

/** Fills a metric with what is counted elsewhere. */
type Collect<M, C> = (metric: M, counts: C) => void;

type Add<M, C> = (name: string, help: string, labelNames: string[], collect: Collect<M, C>) => M;

/**
 * To add metrics that are read when the registry is, from counts that are kept elsewhere.
 * @param counts undefined where there are none now
 */
export function collected<C>(registry: Registry, counts: () => C | undefined): { gauge: Add<Gauge, C>; counter: Add<Counter, C> } {
  const configuration = <M extends Gauge | Counter>(name: string, help: string, labelNames: string[], collect: Collect<M, C>) => ({
    name,
    help,
    labelNames,
    registers: [registry],
    collect(this: M): void {
      this.reset();
      const now = counts();
      if (now) collect(this, now);
    },
  });
  return {
    gauge: (...args) => new Gauge(configuration<Gauge>(...args)),
    counter: (...args) => new Counter(configuration<Counter>(...args)),
  };
}
