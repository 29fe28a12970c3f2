/** Answers that a source may have: response rate limiting against reflected floods. */

/** An IPv6 site, and the IPv4 network that shares its fate: who can use one address of it can use all. Bits. */
const IPV6_SITE = 56;
const IPV4_NETWORK = 24;

/** What becomes of an answer. */
export const Rated = { SEND: 0, DROP: 1, SLIP: 2 } as const;

const WAYS = 4;
const SETS = 1 << 14;

/** How much may be sent at once after a pause: as much as in this time at the rate. */
const BURST_MS = 1000;

/**
 * Counts answers by the prefix of the asker (IPv6 /56, IPv4 /24): a bucket of tokens for each, in arrays of fixed size, found in a few
 * steps and without allocation. One for each thread.
 *
 * A bucket is the time at which it will be full again (the generic cell rate algorithm). 2^16 prefixes fit; when the places that one may
 * have are all taken, the one with most tokens gives way: heavy askers are never forgotten for the sake of light ones.
 */
export class RateLimiter {
  private readonly interval: number;
  private readonly slip: number;
  /** Two words of each prefix. */
  private readonly keys = new Int32Array(2 * WAYS * SETS);
  /** When a bucket will be full, milliseconds. */
  private readonly full = new Float64Array(WAYS * SETS);
  /** Limited answers since the last that was slipped. */
  private readonly limited = new Uint8Array(WAYS * SETS);
  private readonly seeds: readonly [number, number, number];

  /**
   * @param rate answers per second and prefix
   * @param slip every how many-th limited answer is sent truncated instead of not at all, so that real askers get through over TCP; up to
   *   255, 0 for none
   */
  constructor(rate: number, slip: number) {
    this.interval = 1000 / rate;
    this.slip = slip;
    // nobody can know which prefixes share places
    const [a, b, c] = crypto.getRandomValues(new Int32Array(3)) as unknown as [number, number, number];
    this.seeds = [a | 1, b | 1, c | 1];
  }

  /**
   * Takes a token for an answer.
   * @param address where the 4 or 16 octets (`length`) of the asker's address are
   * @param now milliseconds, from any start
   */
  take(address: Uint8Array, at: number, length: number, now: number): number {
    const place = this.find(address, at, length);
    let full = this.full[place]!;
    // full already; or never so late but after the clock was set back
    if (full < now || full > now + 2 * BURST_MS) full = now;
    if (full - now <= BURST_MS - this.interval) {
      this.full[place] = full + this.interval;
      return Rated.SEND;
    }
    if (this.slip === 0 || ++this.limited[place]! < this.slip) return Rated.DROP;
    this.limited[place] = 0;
    return Rated.SLIP;
  }

  /** The place of a prefix, which is made when there is none. */
  private find(address: Uint8Array, at: number, length: number): number {
    const { keys, full, seeds } = this;
    const ipv4 = length === 4;
    const word = (address[at]! << 24) | (address[at + 1]! << 16) | (address[at + 2]! << 8);
    const first = ipv4 ? word : word | address[at + 3]!;
    // the last octet tells the families apart, and both from an empty place
    const second = ipv4 ? IPV4_NETWORK : (address[at + 4]! << 24) | (address[at + 5]! << 16) | (address[at + 6]! << 8) | IPV6_SITE;
    let hash = Math.imul(first, seeds[0]) ^ Math.imul(second, seeds[1]);
    hash = Math.imul(hash ^ (hash >>> 15), seeds[2]);
    const start = ((hash ^ (hash >>> 13)) & (SETS - 1)) * WAYS;
    let fullest = start;
    for (let place = start; place < start + WAYS; place++) {
      if (keys[2 * place] === first && keys[2 * place + 1] === second) return place;
      if (full[place]! < full[fullest]!) fullest = place;
    }
    keys[2 * fullest] = first;
    keys[2 * fullest + 1] = second;
    full[fullest] = 0;
    this.limited[fullest] = 0;
    return fullest;
  }
}
