import { Class, HEADER_LENGTH } from "./constants.ts";
import { foldName, parentName, readName, ROOT, type Name } from "./name.ts";
import { compressibleNames } from "./rdata.ts";

/** What a writer needs of an RRset. */
export interface Writable {
  readonly type: number;
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
}

/** Compression pointers have 14 bits. */
const MAX_POINTER = 0x3fff;

/** Writes one message with name compression into its own buffer. Reused from message to message: `begin` starts the next. */
export class MessageWriter {
  /** Room for a record that is found to be too long once it is written: the largest message, and the longest owner, fixed part and data. */
  readonly bytes = Buffer.alloc(2 * 0xffff + 265);
  length = 0;
  /** Where compression pointers were written. */
  readonly pointers: number[] = [];
  private limit = 0;
  private readonly exact: boolean;
  private readonly offsets = new Map<Name, number>();
  /** Names in the order of their offsets, so that an RRset that did not fit can be taken back. */
  private readonly written: Name[] = [];

  /** @param exact keeps the case of every letter: names are compressed only with what is spelled the same (RFC 5936 section 3.4) */
  constructor(exact = false) {
    this.exact = exact;
  }

  /** Starts a message of at most `limit` octets, with the header zeroed. */
  begin(limit: number): void {
    this.limit = limit;
    this.length = HEADER_LENGTH;
    this.bytes.fill(0, 0, HEADER_LENGTH);
    this.offsets.clear();
    this.written.length = 0;
    this.pointers.length = 0;
  }

  /** Keeps `octets` free at the end, for a record that must get in. */
  reserve(octets: number): void {
    this.limit -= octets;
  }

  header(id: number, flags: number, questions: number, answers: number, authority: number, additional: number): void {
    let at = 0;
    for (const word of [id, flags, questions, answers, authority, additional]) at = this.bytes.writeUInt16BE(word, at);
  }

  question(name: Name, type: number, qclass: number): void {
    this.name(name);
    this.uint16(type);
    this.uint16(qclass);
  }

  /**
   * Writes an RRset, or nothing of it when it does not fit.
   * @param order the records to write, as indexes into `rdatas`; all when absent
   * @returns number of records written; 0 when it did not fit
   */
  rrset(owner: Name, rrset: Writable, order?: readonly number[]): number {
    const mark = this.length;
    const count = order?.length ?? rrset.rdatas.length;
    for (let i = 0; i < count; i++) {
      this.record(owner, rrset.type, rrset.ttl, rrset.rdatas[order?.[i] ?? i]!);
      if (this.length > this.limit) {
        this.length = mark;
        while (this.written.length > 0 && this.offsets.get(this.written.at(-1)!)! >= mark) this.offsets.delete(this.written.pop()!);
        while (this.pointers.length > 0 && this.pointers.at(-1)! >= mark) this.pointers.pop();
        return 0;
      }
    }
    return count;
  }

  /** Writes octets as they are, into what `reserve` kept free. */
  append(octets: Uint8Array): void {
    this.bytes.set(octets, this.length);
    this.length += octets.length;
  }

  /** The finished message; a copy, since the buffer is used again. */
  take(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  private record(owner: Name, type: number, ttl: number, rdata: Uint8Array): void {
    this.name(owner);
    this.uint16(type);
    this.uint16(Class.IN);
    this.length = this.bytes.writeUInt32BE(ttl, this.length);
    const lengthAt = this.length;
    this.length += 2;
    this.rdata(type, rdata);
    this.bytes.writeUInt16BE(this.length - lengthAt - 2, lengthAt);
  }

  private rdata(type: number, rdata: Uint8Array): void {
    const compressible = compressibleNames(type);
    if (!compressible) return this.append(rdata);
    let at = compressible.skip;
    this.append(rdata.subarray(0, at));
    for (let i = 0; i < compressible.names; i++) {
      const read = readName(rdata, at)!;
      this.name(read.name);
      at = read.end;
    }
    this.append(rdata.subarray(at));
  }

  private name(name: Name): void {
    let folded = this.exact ? name : foldName(name);
    for (let rest = name; rest !== ROOT; rest = parentName(rest), folded = parentName(folded)) {
      const known = this.offsets.get(folded);
      if (known !== undefined) {
        this.pointers.push(this.length);
        return this.uint16(0xc000 | known);
      }
      if (this.length <= MAX_POINTER) {
        this.offsets.set(folded, this.length);
        this.written.push(folded);
      }
      const size = 1 + rest.charCodeAt(0);
      for (let i = 0; i < size; i++) this.bytes[this.length++] = rest.charCodeAt(i);
    }
    this.bytes[this.length++] = 0;
  }

  private uint16(value: number): void {
    this.length = this.bytes.writeUInt16BE(value, this.length);
  }
}
