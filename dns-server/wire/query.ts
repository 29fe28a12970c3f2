import { EDNS_CO, EDNS_DO, EdnsOption, HEADER_LENGTH, Type } from "./constants.ts";
import { isCookieLength } from "./cookie.ts";
import { readName, type Name } from "./name.ts";
import { RecordCursor } from "./records.ts";

/** The EDNS part of a query (RFC 6891). */
export interface Edns {
  readonly version: number;
  /** Largest UDP answer that the asker takes, in octets; at least 512. */
  readonly payloadSize: number;
  readonly dnssecOk: boolean;
  /** Takes NXDOMAIN beside a compact denial of existence (RFC 9824 section 5.1). */
  readonly compactOk: boolean;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** A query as far as an authoritative server cares. */
export interface Query {
  readonly id: number;
  /** The second word of the header. */
  readonly flags: number;
  readonly opcode: number;
  readonly question: Question | undefined;
  readonly edns: Edns | undefined;
}

export interface Question {
  /** As asked, letters in the asker's case. */
  readonly name: Name;
  readonly type: number;
  readonly class: number;
  /** Offset behind the question in the message. */
  readonly end: number;
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/**
 * Reads a query. Messages of other opcodes are taken to have the same sections; where they do not, they too count as malformed.
 * @returns 'drop' for what must not be answered (too short for a header, or itself a response); a query without a question and `malformed`
 *   set when the rest cannot be read
 */
export function readQuery(message: Uint8Array): { query: Query; malformed: boolean } | "drop" {
  if (message.length < HEADER_LENGTH || message[2]! & 0x80) return "drop";
  const id = u16(message, 0);
  const flags = u16(message, 2);
  const opcode = (flags >> 11) & 15;
  const bare: Query = { id, flags, opcode, question: undefined, edns: undefined };
  if (u16(message, 4) > 1) return { query: bare, malformed: true };

  let question: Question | undefined;
  let at = HEADER_LENGTH;
  if (u16(message, 4) === 1) {
    const read = readName(message, at);
    // nothing stands before the first name that it could point to
    if (!read || read.end + 4 > message.length) return { query: bare, malformed: true };
    question = { name: read.name, type: u16(message, read.end), class: u16(message, read.end + 2), end: read.end + 4 };
    at = question.end;
  }
  let edns: Edns | undefined;
  const malformed = { query: { ...bare, question }, malformed: true };
  const cursor = new RecordCursor(message, at);
  while (cursor.next()) {
    if (cursor.type !== Type.OPT) continue;
    if (edns || cursor.section !== "additional" || cursor.fixedAt > cursor.start + 1) return malformed;
    edns = readEdns(message, cursor.fixedAt, cursor.end);
    if (!edns) return malformed;
  }
  return cursor.isBroken ? malformed : { query: { ...bare, question, edns }, malformed: cursor.end !== message.length };
}

function readEdns(message: Uint8Array, at: number, end: number): Edns | undefined {
  const version = message[at + 5]!;
  const options = new Map<number, Uint8Array>();
  // what the options of a later version look like is not known
  for (let option = at + 10; option < end && version === 0;) {
    if (option + 4 > end) return undefined;
    const next = option + 4 + u16(message, option + 2);
    if (next > end) return undefined;
    const code = u16(message, option);
    if (code === EdnsOption.COOKIE && !isCookieLength(next - option - 4)) return undefined;
    // of an option that is there twice the first counts (RFC 7873 section 5.2)
    if (!options.has(code)) options.set(code, message.subarray(option + 4, next));
    option = next;
  }
  return {
    version,
    payloadSize: Math.max(512, u16(message, at + 2)),
    dnssecOk: (u16(message, at + 6) & EDNS_DO) !== 0,
    compactOk: (u16(message, at + 6) & EDNS_CO) !== 0,
    options,
  };
}
