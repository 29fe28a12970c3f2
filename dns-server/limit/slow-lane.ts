import { Flag } from "../wire/constants.ts";
import type { Cookies } from "../wire/cookie.ts";
import { BareAnswer } from "./bare-answer.ts";
import { RateLimiter, Rated } from "./rrl.ts";

/** Queries that may wait for the slow way of answering at once. */
const MAX_WAITING = 256;
/** When so many wait, they come faster than they are answered. */
const PRESSED = 128;
/** For so long after that each network has a rate. */
const PRESSED_MS = 200;
/** Slow answers a second for one network (IPv6 /56, IPv4 /24) then: a tenth of what one thread can give. */
const RATE = 1000;

/**
 * Stands before the slow way of answering over UDP. It has all the room it can use until it is too slow for what comes; from then on no
 * network has more than a part of it. Who has to go is told to come by TCP, which is cheap to say, cannot be done from a forged address,
 * and keeps nobody from an answer. One for each thread.
 */
export class SlowLane {
  private readonly limiter = new RateLimiter(RATE, 0);
  private readonly answer: BareAnswer;
  private pressedUntil = -Infinity;

  constructor(cookies: Cookies) {
    this.answer = new BareAnswer(cookies);
  }

  /**
   * Whether a query may go there.
   * @param waiting how many do
   * @param client where the `clientLength` octets of the asker's address are
   * @param now milliseconds since 1970
   */
  admits(waiting: number, client: Uint8Array, clientAt: number, clientLength: number, now: number): boolean {
    if (waiting >= PRESSED) this.pressedUntil = now + PRESSED_MS;
    if (waiting >= MAX_WAITING) return false;
    // nor for ever after the clock was set back
    if (now >= this.pressedUntil || this.pressedUntil > now + PRESSED_MS) return true;
    return this.limiter.take(client, clientAt, clientLength, now) === Rated.SEND;
  }

  /** Writes the answer that sends an asker away. @param to as for `Guard.check` @returns its length; 0: there is none for such a message */
  sendAway(
    query: Uint8Array,
    from: number,
    length: number,
    out: Uint8Array,
    to: number,
    client: Uint8Array,
    clientAt: number,
    clientLength: number,
    now: number,
  ): number {
    const { answer } = this;
    if (!answer.read(query, from, length) || !answer.hasQuestion) return 0;
    return answer.write(out, to, Flag.TC, 0, client, clientAt, clientLength, Math.floor(now / 1000));
  }
}
