import { endOfQuestions } from "./message.ts";
import { readName, skipName, type Name } from "./name.ts";
import { expandRdata } from "./rdata.ts";

export type Section = "answer" | "authority" | "additional";

/** Offsets of the counts in the header. */
const SECTIONS: readonly (readonly [Section, number])[] = [
  ["answer", 6],
  ["authority", 8],
  ["additional", 10],
];

/** Octets of a record between its owner and its data. */
const FIXED = 10;

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/**
 * Goes from record to record of a message, without reading more of each than is asked for: somebody else's message may have thousands of
 * records whose names all lead to the same long one.
 */
export class RecordCursor {
  /** Whether the rest cannot be read. */
  isBroken: boolean;
  section: Section = "answer";
  /** Records of the section behind this one. */
  left = 0;
  start = 0;
  /** Where the owner ends and the type begins. */
  fixedAt = 0;
  /** Offset behind the record; behind the questions before the first one. */
  end: number;
  private readonly message: Uint8Array;
  private sections = 0;

  /** @param at offset behind the questions */
  constructor(message: Uint8Array, at: number | undefined = endOfQuestions(message)) {
    this.message = message;
    this.isBroken = at === undefined;
    this.end = at ?? 0;
  }

  /** Goes to the next record. @returns false behind the last one, and where the message cannot be read on */
  next(): boolean {
    const { message } = this;
    if (this.isBroken) return false;
    while (this.left === 0) {
      const section = SECTIONS[this.sections++];
      if (!section) return false;
      this.section = section[0];
      this.left = u16(message, section[1]);
    }
    this.left--;
    this.start = this.end;
    const fixedAt = skipName(message, this.start);
    const end = fixedAt === undefined || fixedAt + FIXED > message.length ? Infinity : fixedAt + FIXED + u16(message, fixedAt + 8);
    this.isBroken = end > message.length;
    if (this.isBroken) return false;
    this.fixedAt = fixedAt!;
    this.end = end;
    return true;
  }

  get type(): number {
    return u16(this.message, this.fixedAt);
  }

  get class(): number {
    return u16(this.message, this.fixedAt + 2);
  }

  get ttl(): number {
    return u16(this.message, this.fixedAt + 4) * 0x10000 + u16(this.message, this.fixedAt + 6);
  }

  /** Offset of the length of the data. */
  get lengthAt(): number {
    return this.fixedAt + 8;
  }

  get dataAt(): number {
    return this.fixedAt + FIXED;
  }

  /** The owner as it is spelled; undefined when it is malformed. */
  owner(): Name | undefined {
    return readName(this.message, this.start)?.name;
  }

  /** The data, its compressed names written out; undefined when they are malformed. */
  rdata(): Uint8Array | undefined {
    return expandRdata(this.message, this.type, this.dataAt, this.end);
  }
}

/** A record of a message, as far as one can see without its meaning. */
export interface MessageRecord {
  readonly section: Section;
  readonly owner: Name;
  readonly type: number;
  readonly ttl: number;
  /** Offset of the length of its data. */
  readonly lengthAt: number;
  /** Offset behind it. */
  readonly end: number;
}

const MALFORMED = "the message is not well-formed";

/** The records of a well-formed message in order. @throws Error when it is not */
export function* readRecords(message: Uint8Array): Generator<MessageRecord> {
  const cursor = new RecordCursor(message);
  while (cursor.next()) {
    const { section, type, ttl, lengthAt, end } = cursor;
    const owner = cursor.owner();
    if (owner === undefined) throw new Error(MALFORMED);
    yield { section, owner, type, ttl, lengthAt, end };
  }
  if (cursor.isBroken) throw new Error(MALFORMED);
}
