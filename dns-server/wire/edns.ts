import { EDNS_CO, EDNS_DO, EdnsOption, Type } from "./constants.ts";
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
  const options: Buffer[] = [];
  const add = (code: number, data: Uint8Array): void => {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(code);
    header.writeUInt16BE(data.length, 2);
    options.push(header, Buffer.from(data));
  };
  if (identity.nsid.length > 0 && edns.options.has(EdnsOption.NSID)) add(EdnsOption.NSID, identity.nsid);
  const cookie = edns.options.get(EdnsOption.COOKIE);
  if (cookie) {
    const answer = new Uint8Array(COOKIE_LENGTH);
    identity.cookies.write(answer, 0, cookie, 0, client, Math.floor(Date.now() / 1000));
    add(EdnsOption.COOKIE, answer);
  }
  if (extendedError !== undefined) add(EdnsOption.EDE, Uint8Array.of(extendedError >> 8, extendedError & 0xff));
  const data = Buffer.concat(options);
  const record = Buffer.alloc(OPT_LENGTH);
  record.writeUInt16BE(Type.OPT, 1);
  record.writeUInt16BE(MAX_UDP_PAYLOAD, 3);
  record[5] = rcode >> 4;
  record.writeUInt16BE((edns.dnssecOk ? EDNS_DO : 0) | (signed && edns.compactOk ? EDNS_CO : 0), 7);
  record.writeUInt16BE(data.length, 9);
  return Buffer.concat([record, data]);
}

/** An OPT record with the lease of an update (RFC 9664), in seconds. */
export function leaseRecord(lease: number): Buffer {
  const record = Buffer.alloc(OPT_LENGTH + 8);
  record.writeUInt16BE(Type.OPT, 1);
  record.writeUInt16BE(MAX_UDP_PAYLOAD, 3);
  record.writeUInt16BE(8, 9);
  record.writeUInt16BE(EdnsOption.UPDATE_LEASE, 11);
  record.writeUInt16BE(4, 13);
  record.writeUInt32BE(lease, 15);
  return record;
}
