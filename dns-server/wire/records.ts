import { readName, type Name } from "./name.ts";
import { HEADER_LENGTH } from "./query.ts";

/** A record of a message, as far as one can see without its meaning. */
export interface MessageRecord {
  readonly section: "answer" | "authority" | "additional";
  readonly owner: Name;
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

/** The records of a well-formed message in order. @throws Error when it is not */
export function* recordsOf(message: Buffer): Generator<MessageRecord> {
  let at = HEADER_LENGTH;
  for (let questions = message.readUInt16BE(4); questions > 0; questions--) at = nameAt(message, at).end + 4;
  for (const [section, countAt] of SECTIONS) {
    for (let count = message.readUInt16BE(countAt); count > 0; count--) {
      const { name, end } = nameAt(message, at);
      at = end + 10 + message.readUInt16BE(end + 8);
      yield { section, owner: name, type: message.readUInt16BE(end), ttl: message.readUInt32BE(end + 4), lengthAt: end + 8, end: at };
    }
  }
}

function nameAt(message: Buffer, at: number): { name: Name; end: number } {
  const read = readName(message, at);
  if (!read) throw new Error("the message is not well-formed");
  return read;
}
