import { readName } from "./name.ts";
import { HEADER_LENGTH } from "./query.ts";

/** A record of a message, as far as one can see without its meaning. */
export interface MessageRecord {
  readonly section: "answer" | "authority" | "additional";
  readonly type: number;
  readonly ttl: number;
  /** Offset of the length of its data. */
  readonly lengthAt: number;
  /** Offset behind it. */
  readonly end: number;
}

const SECTIONS = [
  ["answer", 6],
  ["authority", 8],
  ["additional", 10],
] as const;

/** The records of a well-formed message in order. */
export function* recordsOf(message: Buffer): Generator<MessageRecord> {
  let at = HEADER_LENGTH;
  for (let questions = message.readUInt16BE(4); questions > 0; questions--) at = endOfName(message, at) + 4;
  for (const [section, countAt] of SECTIONS) {
    for (let count = message.readUInt16BE(countAt); count > 0; count--) {
      const fixed = endOfName(message, at);
      at = fixed + 10 + message.readUInt16BE(fixed + 8);
      yield { section, type: message.readUInt16BE(fixed), ttl: message.readUInt32BE(fixed + 4), lengthAt: fixed + 8, end: at };
    }
  }
}

function endOfName(message: Buffer, at: number): number {
  const name = readName(message, at);
  if (!name) throw new Error("the message is not well-formed");
  return name.end;
}
