import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Sees to it that shared memory which nobody leads to any more goes. V8 does not count it as the heap's, so that a thread that allocates
 * nothing else would never look for what it could free.
 */
export class Release {
  private readonly limit: number;
  private dropped = 0;
  private collect: (() => void) | undefined;

  /** @param limit octets that may be garbage before it is collected */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** So many octets are not used any more by this thread. */
  drop(octets: number): void {
    this.dropped += octets;
    if (this.dropped < this.limit) return;
    this.dropped = 0;
    if (!this.collect) {
      setFlagsFromString("--expose-gc");
      this.collect = runInNewContext("gc") as () => void;
    }
    this.collect();
  }
}
