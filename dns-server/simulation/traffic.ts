import type { Random } from "./random.ts";

/** What a resolver does with an answer: how long it keeps it, and what its clients take of it. */
export interface ResolverKind {
  /** Seconds that an answer is kept, whatever its TTL says; the TTL where it is higher. */
  readonly atLeast: number;
  /** Whether it turns the addresses for each client; else all take the first until it asks again. */
  readonly rotates: boolean;
}

/** Resolvers as there are: obedient, of a fixed order, those that raise a short TTL, and browsers that keep an address for a minute. */
export const KINDS = {
  obedient: { atLeast: 0, rotates: true },
  fixed: { atLeast: 0, rotates: false },
  raising: { atLeast: 30, rotates: true },
  keeping: { atLeast: 60, rotates: false },
} as const satisfies Record<string, ResolverKind>;

export interface ResolverSpec {
  readonly kind: ResolverKind;
  /** Of all sessions. */
  readonly share: number;
}

/** A resolver, its cache, and those who ask it. */
export class Resolver {
  private readonly spec: ResolverSpec;
  private readonly chance: Random;
  private answer: readonly number[] = [];
  private until: number;

  /** @param until when it asks first, so that not all do at once */
  constructor(spec: ResolverSpec, until: number, chance: Random) {
    this.spec = spec;
    this.chance = chance;
    this.until = until;
  }

  /**
   * Spreads the sessions of a second over pods.
   * @param ask for an answer: indices of pods
   * @param add sessions to a pod
   */
  second(now: number, ttl: number, sessions: number, ask: (chance: Random) => readonly number[], add: (pod: number, sessions: number) => void): void {
    const { kind, share } = this.spec;
    if (now >= this.until || this.answer.length === 0) {
      this.answer = ask(this.chance);
      this.until = Math.max(now, this.until) + Math.max(ttl, kind.atLeast);
    }
    const takers = kind.rotates ? this.answer : this.answer.slice(0, 1);
    for (const pod of takers) add(pod, (sessions * share) / takers.length);
  }
}

/** Resolvers of some kinds, of which the first may be a large one; the shares of the others differ by chance. */
export function resolvers(count: number, kinds: readonly ResolverKind[], large: number, random: Random): ResolverSpec[] {
  const weights = Array.from({ length: count - 1 }, () => 0.5 + random.next());
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rest = weights.map((weight, i) => ({ kind: kinds[i % kinds.length]!, share: ((1 - large) * weight) / total }));
  return [{ kind: kinds.at(-1)!, share: large }, ...rest];
}
