import { createHmac, timingSafeEqual, type Hmac } from "node:crypto";
import { Class, Type } from "./constants.ts";
import { foldName, nameBytes, parseName, readName, type Name } from "./name.ts";
import { RecordCursor } from "./records.ts";

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

export const TsigError = { NONE: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

/** Seconds that the clocks may differ. */
const FUDGE = 300;
/** A signature that was cut to fewer octets, or to less than half, is none (RFC 8945 section 5.2.2.1). */
const MIN_MAC_LENGTH = 10;
/** Messages of an answer that may go without a signature of their own (RFC 8945 section 5.3.1). */
const MAX_UNSIGNED = 99;

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
 * Finds the TSIG record of a message, which must be the last of all.
 * @returns undefined when there is none, or the message cannot be read as far; 'malformed' when it is not the last or not well-formed
 */
export function readTsig(message: Buffer): TsigRecord | "malformed" | undefined {
  const cursor = new RecordCursor(message);
  while (cursor.next()) if (cursor.type === Type.TSIG) return readSignature(message, cursor);
  return undefined;
}

function readSignature(message: Buffer, cursor: RecordCursor): TsigRecord | "malformed" {
  const { start, end } = cursor;
  const isLast = cursor.section === "additional" && cursor.left === 0 && end === message.length;
  const owner = isLast ? cursor.owner() : undefined;
  const algorithm = owner === undefined ? undefined : readName(message, cursor.dataAt);
  if (owner === undefined || !algorithm || cursor.class !== Class.ANY || cursor.ttl !== 0 || algorithm.end + 10 > end) return "malformed";
  const at = algorithm.end;
  const macEnd = at + 10 + message.readUInt16BE(at + 8);
  if (macEnd + 6 > end || macEnd + 6 + message.readUInt16BE(macEnd + 4) !== end) return "malformed";
  return {
    start,
    keyName: foldName(owner),
    algorithm: foldName(algorithm.name),
    time: message.readUIntBE(at, 6),
    fudge: message.readUInt16BE(at + 6),
    mac: message.subarray(at + 10, macEnd),
    originalId: message.readUInt16BE(macEnd),
    error: message.readUInt16BE(macEnd + 2),
    other: message.subarray(macEnd + 6, end),
  };
}

/**
 * Checks the signature of a request.
 * @param now seconds since 1970
 * @returns 'malformed' for a signature of an impossible length
 */
export function verifyTsig(
  message: Buffer,
  record: TsigRecord,
  keys: ReadonlyMap<Name, TsigKey>,
  now: number,
): Verified | "malformed" {
  const { keyName, algorithm, mac, time } = record;
  const key = keys.get(keyName);
  const result = (error: number, known?: TsigKey): Verified => ({ error, key: known, keyName, algorithm, mac, time });
  if (!key || algorithm !== parseName(`${key.algorithm}.`)) return result(TsigError.BADKEY);
  const expected = hmac(key, [withoutTsig(message, record), variables(key, time, record.fudge, record.error, record.other)]);
  if (mac.length > expected.length || mac.length < Math.max(MIN_MAC_LENGTH, expected.length / 2)) return "malformed";
  if (!timingSafeEqual(mac, expected.subarray(0, mac.length))) return result(TsigError.BADSIG);
  if (Math.abs(now - time) > record.fudge) return result(TsigError.BADTIME, key);
  // cut signatures are not taken: every client can make whole ones
  return result(mac.length < expected.length ? TsigError.BADTRUNC : TsigError.NONE, key);
}

/** The message as it was before it was signed. */
export function withoutTsig(message: Buffer, { start, originalId }: TsigRecord): Buffer {
  const copy = Buffer.from(message.subarray(0, start));
  copy.writeUInt16BE(originalId, 0);
  copy.writeUInt16BE(copy.readUInt16BE(10) - 1, 10);
  return copy;
}

/** Checks the messages of an answer, of which not every one must be signed (RFC 8945 section 5.3.1). */
export class AnswerVerifier {
  private readonly key: TsigKey;
  private hash: Hmac;
  private first = true;
  private unsigned = 0;

  /** @param requestMac signature of the request */
  constructor(key: TsigKey, requestMac: Uint8Array) {
    this.key = key;
    this.hash = hmacOf(key).update(withLength(requestMac));
  }

  /** Whether the last message was signed, as that of a whole answer is. */
  get complete(): boolean {
    return !this.first && this.unsigned === 0;
  }

  /**
   * Takes the next message.
   * @param now seconds since 1970
   * @returns false when it is not what the holder of the key sent
   */
  take(message: Buffer, now: number): boolean {
    const { key } = this;
    const record = readTsig(message);
    if (record === "malformed") return false;
    if (record === undefined) {
      this.hash.update(message);
      return !this.first && ++this.unsigned <= MAX_UNSIGNED;
    }
    const { time, fudge, mac } = record;
    this.hash
      .update(withoutTsig(message, record))
      .update(this.first ? variables(key, time, fudge, record.error, record.other) : timers(time, fudge));
    const expected = this.hash.digest();
    this.hash = hmacOf(key).update(withLength(mac));
    this.first = false;
    this.unsigned = 0;
    return (
      record.keyName === key.name && mac.length === expected.length && timingSafeEqual(mac, expected) && Math.abs(now - time) <= fudge
    );
  }
}

/** Checks that an answer of one message was signed with the key of its request. @param now seconds since 1970 */
export const isSignedAnswer = (message: Buffer, key: TsigKey, requestMac: Uint8Array, now: number): boolean => {
  const verifier = new AnswerVerifier(key, requestMac);
  return verifier.take(message, now) && verifier.complete;
};

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

const TIME_LENGTH = 6;
const withLength = (mac: Uint8Array): Buffer => Buffer.concat([words(mac.length), mac]);

const timers = (time: number, fudge: number): Buffer => Buffer.concat([timeBytes(time), words(fudge)]);

const hmacOf = (key: TsigKey): Hmac => createHmac(ALGORITHMS.get(parseName(`${key.algorithm}.`))!, key.secret);

function hmac(key: TsigKey, parts: readonly Uint8Array[]): Buffer {
  const mac = hmacOf(key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
}

function timeBytes(time: number): Buffer {
  const bytes = Buffer.alloc(TIME_LENGTH);
  bytes.writeUIntBE(time, 0, TIME_LENGTH);
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

/** Signs the messages of an answer to a request whose signature was checked; without a key only the error is told. */
export class AnswerSigner {
  private readonly request: Verified;
  private mac: Uint8Array;
  private first = true;

  constructor(request: Verified) {
    this.request = request;
    this.mac = request.mac;
  }

  /** Octets that a signature adds to a message. */
  get length(): number {
    const { key, keyName, algorithm } = this.request;
    return keyName.length + 10 + algorithm.length + 16 + TIME_LENGTH + (key ? hashLength(key) : 0);
  }

  /** @param now seconds since 1970 */
  sign(message: Buffer, now: number): Buffer {
    const { key, error, keyName, algorithm } = this.request;
    // with BADTIME the client's time stands in the record, and ours beside it (RFC 8945 section 5.2.3)
    const time = error === TsigError.BADTIME ? this.request.time : now;
    const other = error === TsigError.BADTIME ? timeBytes(now) : new Uint8Array();
    let mac: Uint8Array = new Uint8Array();
    if (key) {
      const tail = this.first ? variables(key, time, FUDGE, error, other) : timers(time, FUDGE);
      mac = hmac(key, [withLength(this.mac), message, tail]);
    }
    this.mac = mac;
    this.first = false;
    return append(message, keyName, nameBytes(algorithm), time, mac, message.readUInt16BE(0), error, other);
  }
}

const hashLength = (key: TsigKey): number => Number(ALGORITHMS.get(parseName(`${key.algorithm}.`))!.slice(3)) / 8;

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

/** What a server says is wrong with the signature of a request, and what to do about it; undefined when it says nothing of it. */
export function signatureFault(answer: Buffer): string | undefined {
  const record = answer.length < 12 ? undefined : readTsig(answer);
  if (record === undefined || record === "malformed") return undefined;
  switch (record.error) {
    case TsigError.BADKEY:
      return "BADKEY: it has no key of this name and algorithm";
    case TsigError.BADSIG:
      return "BADSIG: its key of this name has another secret";
    case TsigError.BADTIME:
      return "BADTIME: the clocks of the two servers differ";
    case TsigError.BADTRUNC:
      return "BADTRUNC: it wants a longer signature";
    default:
      return undefined;
  }
}
