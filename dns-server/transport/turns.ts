import { unexpected } from "../runtime/unexpected.ts";

/** How long work that can wait may take before whatever else has come is looked at, milliseconds. */
export const TURN_MS = 0.5;

/**
 * Shares a thread between what is answered at once and what can wait: a flood of odd questions, or a connection that asks without end. Of
 * that some is done between two looks at everything else, each in its turn.
 */
export class Turns {
  private waiting: (() => void)[] = [];
  private next = 0;
  private spent = 0;
  private scheduled = false;

  /** Does something now, if nothing waits and there is time left before others are to have their turn; else later. */
  soon(work: () => void): void {
    if (this.next === this.waiting.length && this.spent < TURN_MS) this.run(work);
    else this.later(work);
  }

  /** Does something in a later turn. */
  later(work: () => void): void {
    this.waiting.push(work);
    this.schedule();
  }

  private run(work: () => void): void {
    const start = performance.now();
    try {
      work();
    } catch (error) {
      unexpected("answer", error);
    }
    this.spent += performance.now() - start;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.scheduled = false;
    this.spent = 0;
    while (this.next < this.waiting.length && this.spent < TURN_MS) this.run(this.waiting[this.next++]!);
    if (this.next < this.waiting.length) this.schedule();
    // what was done is let go of, without moving the rest each time
    if (2 * this.next < this.waiting.length) return;
    this.waiting = this.waiting.slice(this.next);
    this.next = 0;
  }
}
