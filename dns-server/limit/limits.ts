import type { GuardSettings } from "./guard.ts";
import { compilePrefixes } from "./prefix-table.ts";
import { Refusals } from "./refusals.ts";
import type { RateLimitSettings } from "./settings.ts";

/** What is in force of refusals and rates, told to every guard. */
export class Limits {
  readonly refusals: Refusals;
  private settings: GuardSettings;
  private readonly listeners = new Set<(settings: GuardSettings) => void>();

  /** @param file of the refusals @throws UserError when that is faulty */
  constructor(rateLimit: RateLimitSettings | undefined, file: string | undefined) {
    this.settings = { refusals: compilePrefixes([]), rateLimit: compile(rateLimit) };
    this.refusals = new Refusals(file, (refusals) => this.put({ ...this.settings, refusals }));
  }

  setRateLimit(rateLimit: RateLimitSettings | undefined): void {
    this.put({ ...this.settings, rateLimit: compile(rateLimit) });
  }

  /** Tells a listener what is in force, and from then on every change. @returns what ends that */
  listen(listener: (settings: GuardSettings) => void): () => void {
    listener(this.settings);
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private put(settings: GuardSettings): void {
    this.settings = settings;
    for (const listener of this.listeners) listener(settings);
  }

  close(): void {
    this.refusals.close();
  }
}

const compile = (settings: RateLimitSettings | undefined): GuardSettings["rateLimit"] =>
  settings && { ...settings, exempt: compilePrefixes(settings.exempt.map((prefix) => ({ prefix, value: 1 }))) };
