import { createHmac, timingSafeEqual } from "node:crypto";
import { Class, Type } from "./constants.ts";
import { foldName, nameBytes, parseName, readName, type Name } from "./name.ts";

/** Transaction signatures (RFC 8945). */

/** Algorithms by the name that stands in the record, with the hash of the HMAC. */
const ALGORITHMS = new Map<Name, string>(["sha256", "sha384", "sha512"].map((hash) => [parseName(`hmac-${hash}.`), hash]));
export const TSIG_ALGORITHMS = ["hmac-sha256", "hmac-sha384", "hmac-sha512"] as const;
export type TsigAlgorithm = (typeof TSIG_ALGORITHMS)[number];

export interface TsigKey {
  /** Folded. */
  readonly name: Name;
  readonly algorithm: TsigAlgorithm;
  readonly secret: Uint8Array;
}

export const TsigError = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18 } as const;

/** Seconds that the clocks may differ. */
const FUDGE = 300;

/** The TSIG record of a message. */
interface TsigRecord {
  /** Where it starts: the signed message ends here. */
  readonly start: number;
  readonly keyName: Name;
  readonly algorithm: Name;
  readonly time: number;
  readonly fudge: number;
  readonly mac: Uint8Array;
  readonly originalId: number;
  readonly error: number;
  readonly other: Uint8Array;
}

/** A signature that was checked. What is not `ok` is to be answered with NOTAUTH and the error (RFC 8945 section 5.2). */
export interface Verified {
  readonly error: number;
  /** To sign the answer with; absent when the key is not known or the signature is wrong. */
  readonly key: TsigKey | undefined;
  readonly keyName: Name;
  readonly algorithm: Name;
  readonly mac: Uint8Array;
  readonly time: number;
}

/**
 * Finds the TSIG record of a well-formed message, which must be the last of all.
 * @param start where the records behind the question start
 * @returns undefined when there is none, 'malformed' when it is not the last or not well-formed
 */
export function readTsig(message: Buffer, start: number): TsigRecord | "malformed" | undefined {
  const count = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  let at = start;
  for (let index = 0; index < count; index++) {
    const owner = readName(message, at);
    if (!owner || owner.end + 10 > message.length) return "malformed";
    const end = owner.end + 10 + message.readUInt16BE(owner.end + 8);
    if (message.readUInt16BE(owner.end) === Type.TSIG) return index === count - 1 ? readRecord(message, at, owner, end) : "malformed";
    at = end;
  }
  return undefined;
}

function readRecord(message: Buffer, start: number, owner: { name: Name; end: number }, end: number): TsigRecord | "malformed" {
  const algorithm = readName(message, owner.end + 10);
  if (
    message.readUInt16BE(owner.end + 2) !== Class.ANY ||
    message.readUInt32BE(owner.end + 4) !== 0 ||
    !algorithm ||
    algorithm.end + 10 > end
  )
    return "malformed";
  const at = algorithm.end;
  const macEnd = at + 10 + message.readUInt16BE(at + 8);
  if (macEnd + 6 > end || macEnd + 6 + message.readUInt16BE(macEnd + 4) !== end) return "malformed";
  return {
    start,
    keyName: foldName(owner.name),
    algorithm: foldName(algorithm.name),
    time: message.readUIntBE(at, 6),
    fudge: message.readUInt16BE(at + 6),
    mac: message.subarray(at + 10, macEnd),
    originalId: message.readUInt16BE(macEnd),
    error: message.readUInt16BE(macEnd + 2),
    other: message.subarray(macEnd + 6, end),
  };
}

/** Checks the signature of a request. @param now seconds since 1970 */
export function verifyTsig(message: Buffer, record: TsigRecord, keys: ReadonlyMap<Name, TsigKey>, now: number): Verified {
  const { keyName, algorithm, mac, time } = record;
  const key = keys.get(keyName);
  const result = (error: number, known?: TsigKey): Verified => ({ error, key: known, keyName, algorithm, mac, time });
  if (!key || algorithm !== parseName(`${key.algorithm}.`)) return result(TsigError.BADKEY);
  const expected = hmac(key, [unsigned(message, record), variables(key, time, record.fudge, record.error, record.other)]);
  // truncated signatures are not taken: no client of ours makes any
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return result(TsigError.BADSIG);
  return result(Math.abs(now - time) > record.fudge ? TsigError.BADTIME : TsigError.NONE, key);
}

/** Checks that an answer was signed with the key of its request. */
export function isSignedAnswer(message: Buffer, start: number, key: TsigKey, requestMac: Uint8Array, now: number): boolean {
  const record = readTsig(message, start);
  if (record === undefined || record === "malformed" || record.keyName !== key.name) return false;
  const expected = hmac(key, [
    withLength(requestMac),
    unsigned(message, record),
    variables(key, record.time, record.fudge, record.error, record.other),
  ]);
  return record.mac.length === expected.length && timingSafeEqual(record.mac, expected) && Math.abs(now - record.time) <= record.fudge;
}

/** The message as it was before it was signed. */
function unsigned(message: Buffer, { start, originalId }: TsigRecord): Buffer {
  const copy = Buffer.from(message.subarray(0, start));
  copy.writeUInt16BE(originalId, 0);
  copy.writeUInt16BE(copy.readUInt16BE(10) - 1, 10);
  return copy;
}

function variables(key: TsigKey, time: number, fudge: number, error: number, other: Uint8Array): Buffer {
  return Buffer.concat([
    nameBytes(key.name),
    words(Class.ANY, 0, 0),
    nameBytes(parseName(`${key.algorithm}.`)),
    timeBytes(time),
    words(fudge, error, other.length),
    other,
  ]);
}

const withLength = (mac: Uint8Array): Buffer => Buffer.concat([words(mac.length), mac]);

function hmac(key: TsigKey, parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac(ALGORITHMS.get(parseName(`${key.algorithm}.`))!, key.secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
}

function timeBytes(time: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(time, 0, 6);
  return bytes;
}

/** Signs a request. @returns the signed message, and the signature that its answer builds on */
export function signRequest(message: Buffer, key: TsigKey, now: number): { message: Buffer; mac: Buffer } {
  const mac = hmac(key, [message, variables(key, now, FUDGE, TsigError.NONE, new Uint8Array())]);
  return {
    message: append(
      message,
      key.name,
      nameBytes(parseName(`${key.algorithm}.`)),
      now,
      mac,
      message.readUInt16BE(0),
      TsigError.NONE,
      new Uint8Array(),
    ),
    mac,
  };
}

/** Signs an answer to a request whose signature was checked; without a key only the error is told. @param now seconds since 1970 */
export function signAnswer(message: Buffer, request: Verified, now: number): Buffer {
  const { key, error } = request;
  // with BADTIME the client's time stands in the record, and ours beside it (RFC 8945 section 5.2.3)
  const time = error === TsigError.BADTIME ? request.time : now;
  const other = error === TsigError.BADTIME ? timeBytes(now) : new Uint8Array();
  const mac = key ? hmac(key, [withLength(request.mac), message, variables(key, time, FUDGE, error, other)]) : new Uint8Array();
  return append(message, request.keyName, nameBytes(request.algorithm), time, mac, message.readUInt16BE(0), error, other);
}

function append(
  message: Buffer,
  keyName: Name,
  algorithm: Uint8Array,
  time: number,
  mac: Uint8Array,
  originalId: number,
  error: number,
  other: Uint8Array,
): Buffer {
  const rdata = Buffer.concat([algorithm, timeBytes(time), words(FUDGE, mac.length), mac, words(originalId, error, other.length), other]);
  const signed = Buffer.concat([message, nameBytes(keyName), words(Type.TSIG, Class.ANY, 0, 0, rdata.length), rdata]);
  signed.writeUInt16BE(signed.readUInt16BE(10) + 1, 10);
  return signed;
}
