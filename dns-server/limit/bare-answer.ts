import { EdnsOption, Flag, Opcode, Type, HEADER_LENGTH } from "../wire/constants.ts";
import { CLIENT_COOKIE_LENGTH, COOKIE_LENGTH, isCookieLength, type Cookies } from "../wire/cookie.ts";
import { beginOpt, beginOption, endOpt, OPT_LENGTH, OPTION_HEADER_LENGTH } from "../wire/edns.ts";

/** Room for the longest: header, question, OPT record with a cookie and an extended error. Octets. */
export const MAX_BARE_ANSWER = HEADER_LENGTH + 255 + 4 + OPT_LENGTH + OPTION_HEADER_LENGTH + COOKIE_LENGTH + OPTION_HEADER_LENGTH + 2;

/**
 * Answers without records, from no more of a query than they need, without allocation. What cannot be read of a query is left out of the
 * answer: an OPT record counts when it stands right behind the question. One for each thread.
 */
export class BareAnswer {
  private readonly cookies: Cookies;
  private query: Uint8Array = new Uint8Array(0);
  private from = 0;
  /** Behind the question; behind the header when there is none that can be read. */
  private questionEnd = 0;
  private edns = false;
  private dnssecOk = 0;
  private cookieAt = 0;
  private cookieLength = 0;

  constructor(cookies: Cookies) {
    this.cookies = cookies;
  }

  /** Reads the query that is to be answered. @returns false for what must not be answered */
  read(query: Uint8Array, from: number, length: number): boolean {
    this.query = query;
    this.from = from;
    this.questionEnd = from + HEADER_LENGTH;
    this.edns = false;
    this.cookieAt = 0;
    if (length < HEADER_LENGTH || (query[from + 2]! & 0x80) !== 0) return false;
    if (((query[from + 2]! >> 3) & 15) === Opcode.QUERY) this.readQuestion(from + length);
    return true;
  }

  /** Whether the query has a question that can be read. */
  get hasQuestion(): boolean {
    return this.questionEnd > this.from + HEADER_LENGTH;
  }

  private readQuestion(end: number): void {
    const { query, from } = this;
    if (query[from + 4] !== 0 || query[from + 5] !== 1) return;
    let at = from + HEADER_LENGTH;
    while (at < end && query[at] !== 0) {
      if (query[at]! > 63 || at - from - HEADER_LENGTH > 254) return;
      at += 1 + query[at]!;
    }
    if (at + 5 > end) return;
    this.questionEnd = at + 5;
    const noRecords = (query[from + 6]! | query[from + 7]! | query[from + 8]! | query[from + 9]!) === 0;
    if (noRecords && (query[from + 10]! | query[from + 11]!) !== 0) this.readOpt(end);
  }

  private readOpt(end: number): void {
    const { query, questionEnd: opt } = this;
    if (opt + OPT_LENGTH > end || query[opt] !== 0 || query[opt + 1] !== 0 || query[opt + 2] !== Type.OPT) return;
    this.edns = true;
    this.dnssecOk = query[opt + 7]! & 0x80;
    const optionsEnd = Math.min(end, opt + OPT_LENGTH + ((query[opt + 9]! << 8) | query[opt + 10]!));
    for (let at = opt + OPT_LENGTH; at + 4 <= optionsEnd;) {
      const size = (query[at + 2]! << 8) | query[at + 3]!;
      const isCookie = query[at] === 0 && query[at + 1] === EdnsOption.COOKIE;
      if (isCookie && isCookieLength(size) && at + 4 + size <= optionsEnd) {
        this.cookieAt = at + 4;
        this.cookieLength = size;
        return;
      }
      at += 4 + size;
    }
  }

  /** Whether the query carries a cookie that this server gave to this asker. @param now seconds since 1970 */
  hasServerCookie(client: Uint8Array, clientAt: number, clientLength: number, now: number): boolean {
    if (this.cookieAt === 0 || this.cookieLength === CLIENT_COOKIE_LENGTH) return false;
    return this.cookies.isValid(this.query, this.cookieAt, this.cookieLength, client, now, clientAt, clientLength);
  }

  /**
   * Writes the answer.
   * @param to where in `out` MAX_BARE_ANSWER octets are free
   * @param flags beside QR: Flag.TC or an rcode
   * @param extendedError reason to give (RFC 8914), 0 for none
   * @param now seconds since 1970
   * @returns its length
   */
  write(
    out: Uint8Array,
    to: number,
    flags: number,
    extendedError: number,
    client: Uint8Array,
    clientAt: number,
    clientLength: number,
    now: number,
  ): number {
    const { query, from, questionEnd } = this;
    const question = questionEnd - from;
    for (let i = 0; i < question; i++) out[to + i] = query[from + i]!;
    // of the asker's flags opcode, RD and CD come back
    out[to + 2] = 0x80 | (query[from + 2]! & 0x79) | (flags >>> 8);
    out[to + 3] = (query[from + 3]! & Flag.CD) | (flags & 15);
    out[to + 4] = 0;
    out[to + 5] = question > HEADER_LENGTH ? 1 : 0;
    for (let i = 6; i < HEADER_LENGTH; i++) out[to + i] = 0;
    if (!this.edns) return question;
    out[to + 11] = 1;
    const opt = to + question;
    let at = beginOpt(out, opt, 0, this.dnssecOk << 8);
    if (this.cookieAt !== 0) {
      at = beginOption(out, at, EdnsOption.COOKIE, COOKIE_LENGTH);
      this.cookies.write(out, at, query, this.cookieAt, client, now, clientAt, clientLength);
      at += COOKIE_LENGTH;
    }
    if (extendedError !== 0) {
      at = beginOption(out, at, EdnsOption.EDE, 2);
      out[at++] = extendedError >>> 8;
      out[at++] = extendedError;
    }
    endOpt(out, opt, at);
    return at - to;
  }
}
