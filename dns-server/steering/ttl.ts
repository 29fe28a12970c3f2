import type { TtlSpec } from "../model/domain.ts";

export interface TtlSettings {
  /** When a domain asks for none, seconds. */
  readonly ttl: number;
  /** Lowest and highest that is given, seconds. */
  readonly ttlRange: readonly [number, number];
}

/** What a TTL may be made of. */
export interface TtlFacts {
  /** What the query for it gave last; undefined: nothing yet. */
  readonly queried: number | undefined;
  /** Time until each thing that may change the answer can do so next. */
  readonly secondsToChange: Iterable<number>;
}

export interface Ttl {
  readonly seconds: number;
  /** How it came about, for people. */
  readonly how: string;
}

/**
 * The TTL of a domain's addresses: a whole number of seconds within the range. `auto` counts whole intervals of probes and steering, not
 * what is left of them: answers are prepared beforehand, and given at any time until the next change.
 */
export function ttlOf(spec: TtlSpec | undefined, facts: TtlFacts, { ttl, ttlRange: [low, high] }: TtlSettings): Ttl {
  const clamp = (seconds: number, how: string): Ttl => {
    const whole = Math.ceil(seconds);
    if (whole < low) return { seconds: low, how: `${how}: ${whole}, raised to the lowest allowed` };
    if (whole > high) return { seconds: high, how: `${how}: ${whole}, lowered to the highest allowed` };
    return { seconds: whole, how };
  };
  switch (spec?.kind) {
    case undefined:
      return clamp(ttl, "default");
    case "fixed":
      return clamp(spec.seconds, "fixed");
    case "query":
      return facts.queried === undefined ? clamp(ttl, "default until its query has a value") : clamp(facts.queried, "query");
    case "auto": {
      let soonest = Infinity;
      for (const seconds of facts.secondsToChange) soonest = Math.min(soonest, seconds);
      return soonest === Infinity
        ? { seconds: high, how: "auto: nothing is known to change it" }
        : clamp(soonest, "auto: time to the next possible change");
    }
  }
}
