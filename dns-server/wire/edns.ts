import { EDNS_CO, EDNS_DO, EdnsOption, Rcode, Type } from "./constants.ts";
import { COOKIE_LENGTH, type Cookies } from "./cookie.ts";
import type { Edns } from "./query.ts";

/** The UDP answers that this server sends are no larger (RFC 9715), whatever the asker would take. */
export const MAX_UDP_PAYLOAD = 1232;
/** Largest UDP answer to an asker without EDNS (RFC 1035 section 4.2.1). */
export const PLAIN_UDP_PAYLOAD = 512;
export const OPT_LENGTH = 11;
export const MAX_NSID_LENGTH = 128;

/** Reasons given beside an rcode (RFC 8914). */
export const ExtendedError = { NOT_READY: 14, PROHIBITED: 18, NOT_AUTHORITATIVE: 20, NOT_SUPPORTED: 21, INVALID_QUERY_TYPE: 30 } as const;

/** What a server says of itself, to those who ask. */
export interface Identity {
  /** Octets for the NSID option (RFC 5001), at most 128; none: it is not answered. */
  readonly nsid: Uint8Array;
  readonly cookies: Cookies;
}

/** What one option adds to an OPT record, besides its data. */
export const OPTION_HEADER_LENGTH = 4;

/**
 * Begins an OPT record, of the length that `endOpt` gives it. Writes without allocation, since most answers have one.
 * @param flags EDNS_DO, EDNS_CO
 * @returns where its options go
 */
export function beginOpt(out: Uint8Array, at: number, rcode: number, flags: number): number {
  out[at] = 0;
  out[at + 1] = 0;
  out[at + 2] = Type.OPT;
  out[at + 3] = MAX_UDP_PAYLOAD >>> 8;
  out[at + 4] = MAX_UDP_PAYLOAD & 0xff;
  out[at + 5] = rcode >>> 4;
  out[at + 6] = 0;
  out[at + 7] = flags >>> 8;
  out[at + 8] = flags;
  return at + OPT_LENGTH;
}

/** @returns where the data of the option goes */
export function beginOption(out: Uint8Array, at: number, code: number, length: number): number {
  out[at] = code >>> 8;
  out[at + 1] = code;
  out[at + 2] = length >>> 8;
  out[at + 3] = length;
  return at + OPTION_HEADER_LENGTH;
}

/** @param opt where the record begins @param end where its options do */
export function endOpt(out: Uint8Array, opt: number, end: number): void {
  const length = end - opt - OPT_LENGTH;
  out[opt + 9] = length >>> 8;
  out[opt + 10] = length;
}

/** An OPT record with these options. */
function optOf(rcode: number, flags: number, options: readonly (readonly [code: number, data: Uint8Array])[]): Buffer {
  const record = Buffer.alloc(options.reduce((length, [, data]) => length + OPTION_HEADER_LENGTH + data.length, OPT_LENGTH));
  let at = beginOpt(record, 0, rcode, flags);
  for (const [code, data] of options) {
    at = beginOption(record, at, code, data.length);
    record.set(data, at);
    at += data.length;
  }
  endOpt(record, 0, at);
  return record;
}

/**
 * The OPT record of an answer.
 * @param client octets of the asker's address, for the cookie
 * @param extendedError reason to give, if any
 * @param signed whether the answer is of a signed zone, where CO is understood
 */
export function optRecord(
  edns: Edns,
  identity: Identity,
  client: Uint8Array,
  rcode: number,
  extendedError: number | undefined,
  signed = false,
): Buffer {
  const options: [number, Uint8Array][] = [];
  if (identity.nsid.length > 0 && edns.options.has(EdnsOption.NSID)) options.push([EdnsOption.NSID, identity.nsid]);
  const cookie = edns.options.get(EdnsOption.COOKIE);
  if (cookie) {
    const answer = new Uint8Array(COOKIE_LENGTH);
    identity.cookies.write(answer, 0, cookie, 0, client, Math.floor(Date.now() / 1000));
    options.push([EdnsOption.COOKIE, answer]);
  }
  if (extendedError !== undefined) options.push([EdnsOption.EDE, Uint8Array.of(extendedError >> 8, extendedError & 0xff)]);
  return optOf(rcode, (edns.dnssecOk ? EDNS_DO : 0) | (signed && edns.compactOk ? EDNS_CO : 0), options);
}

/** An OPT record with the lease of an update (RFC 9664), in seconds. */
export function leaseRecord(lease: number): Buffer {
  const seconds = Buffer.alloc(4);
  seconds.writeUInt32BE(lease);
  return optOf(Rcode.NOERROR, 0, [[EdnsOption.UPDATE_LEASE, seconds]]);
}
