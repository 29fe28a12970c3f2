import { SipHash } from "./siphash.ts";

export const CLIENT_COOKIE_LENGTH = 8;
/** Client cookie and server cookie together, as this server gives them. */
export const COOKIE_LENGTH = 24;
const VERSION = 1;
/** How old a server cookie may be, and how far ahead of our clock, in seconds (RFC 9018 section 4.3). */
const MAX_AGE = 3600;
const MAX_AHEAD = 300;

/** Whether the data of a COOKIE option has a length that RFC 7873 section 5.2.2 allows. */
export const isCookieLength = (length: number): boolean => length === CLIENT_COOKIE_LENGTH || (length >= 16 && length <= 40);

/** Makes server cookies (RFC 7873, in the interoperable form of RFC 9018). Servers with the same secret understand each other's. */
export class Cookies {
  private readonly hash: SipHash;
  private readonly input = new Uint8Array(16 + 16);
  private readonly expected = new Uint8Array(8);

  /** @param secret 16 octets */
  constructor(secret: Uint8Array) {
    this.hash = new SipHash(secret);
  }

  /**
   * Writes the cookie that answers a client's to `out` at `at`: 24 octets.
   * @param from where the 8 octets of the client cookie are in `message`
   * @param address where the 4 or 16 octets of the client's address are
   * @param now seconds since 1970
   */
  write(
    out: Uint8Array,
    at: number,
    message: Uint8Array,
    from: number,
    address: Uint8Array,
    now: number,
    addressAt = 0,
    addressLength = address.length,
  ): void {
    const { input } = this;
    for (let i = 0; i < CLIENT_COOKIE_LENGTH; i++) input[i] = message[from + i]!;
    input[8] = VERSION;
    input[9] = input[10] = input[11] = 0;
    for (let i = 0; i < 4; i++) input[12 + i] = now >>> (24 - 8 * i);
    for (let i = 0; i < addressLength; i++) input[16 + i] = address[addressAt + i]!;
    for (let i = 0; i < 16; i++) out[at + i] = input[i]!;
    this.hash.hash(input, 0, 16 + addressLength, out, at + 16);
  }

  /**
   * Whether a server with this secret gave a cookie to the address not long ago.
   * @param from where the `length` octets of client and server cookie are in `message`
   * @param address where the `addressLength` octets of the client's address are
   * @param now seconds since 1970
   */
  isValid(
    message: Uint8Array,
    from: number,
    length: number,
    address: Uint8Array,
    now: number,
    addressAt = 0,
    addressLength = address.length,
  ): boolean {
    if (length !== COOKIE_LENGTH || message[from + CLIENT_COOKIE_LENGTH] !== VERSION) return false;
    const { input, expected } = this;
    for (let i = 0; i < 16; i++) input[i] = message[from + i]!;
    const time = (input[12]! << 24) | (input[13]! << 16) | (input[14]! << 8) | input[15]!;
    // serial number arithmetic
    const age = (now - time) | 0;
    if (age > MAX_AGE || age < -MAX_AHEAD) return false;
    for (let i = 0; i < addressLength; i++) input[16 + i] = address[addressAt + i]!;
    this.hash.hash(input, 0, 16 + addressLength, expected, 0);
    let difference = 0;
    for (let i = 0; i < 8; i++) difference |= expected[i]! ^ message[from + 16 + i]!;
    return difference === 0;
  }
}
