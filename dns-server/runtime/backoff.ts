/** How long to wait after a failure: twice as long as after the one before, up to a limit. */
export class Backoff {
  /** In a row. */
  failures = 0;
  private readonly firstMs: number;
  private readonly mostMs: number;
  private readonly spread: number;

  /** @param spread share of a wait that is left to chance, so that not all who failed together come back together */
  constructor(firstMs: number, mostMs: number, spread = 0) {
    this.firstMs = firstMs;
    this.mostMs = mostMs;
    this.spread = spread;
  }

  /** It has failed once more. @returns milliseconds to wait */
  next(): number {
    return Math.min(this.mostMs, this.firstMs * 2 ** this.failures++) * (1 - this.spread * Math.random());
  }

  /** It has succeeded. */
  reset(): void {
    this.failures = 0;
  }
}
