/** A token bucket: so many a second, and as many at once after a quiet second. */
export class Budget {
  private readonly rate: number;
  private tokens: number;
  private at = Date.now();

  /** @param rate a second */
  constructor(rate: number) {
    this.rate = rate;
    this.tokens = rate;
  }

  /** Takes one. @returns whether there was one */
  take(): boolean {
    const now = Date.now();
    // a clock that was set back gives nothing and takes nothing
    this.tokens = Math.min(this.rate, this.tokens + (Math.max(0, now - this.at) * this.rate) / 1000);
    this.at = now;
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
