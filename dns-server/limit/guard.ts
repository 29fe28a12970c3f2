import { Flag, Rcode } from "../wire/constants.ts";
import type { Cookies } from "../wire/cookie.ts";
import { ExtendedError } from "../wire/edns.ts";
import { BareAnswer } from "./bare-answer.ts";
import { lookupPrefix, type PrefixTable } from "./prefix-table.ts";
import { RateLimiter, Rated } from "./rrl.ts";

/** The number of each action in a table of refusals. */
export const RefusalAction = { refuse: 1, drop: 2 } as const;
export type RefusalAction = keyof typeof RefusalAction;

/** What a guard goes by; passes from thread to thread, tables as shared memory. */
export interface GuardSettings {
  /** `RefusalAction` by prefix. */
  readonly refusals: PrefixTable;
  readonly rateLimit: { readonly rate: number; readonly slip: number; readonly exempt: PrefixTable } | undefined;
}

/** What guards count, by index in their counters. */
export const GuardCounter = { REFUSED: 0, REFUSAL_DROPPED: 1, LIMITED: 2, SLIPPED: 3, SIZE: 4 } as const;

/** The query is to be answered as ever. */
export const PASS = -1;

/** Stands before the answering of queries: turns away those of refused sources, and those beyond the rate. One for each thread. */
export class Guard {
  /** Whether there is anything to check at all. */
  active = false;
  private refusals: PrefixTable = new Uint32Array(0);
  private exempt: PrefixTable = new Uint32Array(0);
  private limiter: RateLimiter | undefined;
  private settings: GuardSettings["rateLimit"];
  private readonly answer: BareAnswer;
  private readonly counters: Float64Array;

  /** @param counters where it counts, GuardCounter.SIZE numbers */
  constructor(cookies: Cookies, counters: Float64Array) {
    this.answer = new BareAnswer(cookies);
    this.counters = counters;
  }

  set({ refusals, rateLimit }: GuardSettings): void {
    this.refusals = refusals;
    this.exempt = rateLimit?.exempt ?? new Uint32Array(0);
    // what was counted stays as long as the rate does
    if (rateLimit?.rate !== this.settings?.rate || rateLimit?.slip !== this.settings?.slip)
      this.limiter = rateLimit && new RateLimiter(rateLimit.rate, rateLimit.slip);
    this.settings = rateLimit;
    this.active = refusals.length > 0 || rateLimit !== undefined;
  }

  /** Whether to talk with this address at all. */
  admits(client: Uint8Array): boolean {
    if (lookupPrefix(this.refusals, client, 0, client.length) !== RefusalAction.drop) return true;
    this.count(GuardCounter.REFUSAL_DROPPED);
    return false;
  }

  /**
   * Checks a query of `length` octets at `from` that came over UDP, where the source may be forged.
   * @param to where in `out` an answer may be written, MAX_BARE_ANSWER octets
   * @param client where the `clientLength` octets of the asker's address are
   * @param now milliseconds since 1970
   * @returns PASS, or the length of the answer that takes the place of the usual one; 0: none at all
   */
  check(
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
    const refused = this.refuse(query, from, length, out, to, client, clientAt, clientLength, now);
    if (refused !== PASS || !this.limiter) return refused;
    if (lookupPrefix(this.exempt, client, clientAt, clientLength) !== 0) return PASS;
    const verdict = this.limiter.take(client, clientAt, clientLength, now);
    if (verdict === Rated.SEND) return PASS;
    const { answer } = this;
    const readable = answer.read(query, from, length);
    const seconds = Math.floor(now / 1000);
    // a cookie of ours proves the source (RFC 7873 section 5.2.4)
    if (readable && answer.hasServerCookie(client, clientAt, clientLength, seconds)) return PASS;
    const slipped = readable && verdict === Rated.SLIP;
    this.count(slipped ? GuardCounter.SLIPPED : GuardCounter.LIMITED);
    return slipped ? answer.write(out, to, Flag.TC, 0, client, clientAt, clientLength, seconds) : 0;
  }

  /** The same for a query whose source is proven: only refusals count. */
  refuse(
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
    const action = lookupPrefix(this.refusals, client, clientAt, clientLength);
    if (action === 0) return PASS;
    const { answer } = this;
    const refused = action === RefusalAction.refuse && answer.read(query, from, length);
    this.count(refused ? GuardCounter.REFUSED : GuardCounter.REFUSAL_DROPPED);
    if (!refused) return 0;
    return answer.write(out, to, Rcode.REFUSED, ExtendedError.PROHIBITED, client, clientAt, clientLength, Math.floor(now / 1000));
  }

  private count(counter: number): void {
    this.counters[counter] = this.counters[counter]! + 1;
  }
}
