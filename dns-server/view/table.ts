import { Rcode, Type } from "../wire/constants.ts";
import { nameBytes, parentName, type Name } from "../wire/name.ts";
import { HEADER_LENGTH } from "../wire/query.ts";
import { MessageWriter } from "../wire/writer.ts";
import { lookup, matchName, type Answer } from "../zone/lookup.ts";
import type { Zone, ZoneNode } from "../zone/zone.ts";
import { Body, BODY_AA, CHILD_GENERAL, hashName, hashSlot, Head, Node, type AnswerTable } from "./layout.ts";

/** Longer answers are left to the general path: over UDP they are cut anyway. */
const MAX_BODY = 4096;
/** Stands for any first label of a name that a wildcard matches: a label that no zone file will hold. */
const STAND_IN = "\x01\x00";
/** Types that are answered through an alias without the general path. */
const ALIAS_TYPES: readonly number[] = [Type.A, Type.AAAA, Type.CNAME];
/** A type that no record has: what it gets, every type without records gets. */
const NO_TYPE = 0xfffe;

/** Grows as it is written. */
class Block {
  private words = new Int32Array(1 << 12);
  private octets = new Uint8Array(1 << 12);
  wordCount = Head.SIZE as number;
  private octetCount = 0;

  /** Appends words. @returns the index of the first */
  add(values: readonly number[]): number {
    const at = this.addZeros(values.length);
    this.words.set(values, at);
    return at;
  }

  addZeros(count: number): number {
    const at = this.wordCount;
    if (at + count > this.words.length) {
      const larger = new Int32Array(2 * this.words.length + count);
      larger.set(this.words);
      this.words = larger;
    }
    this.wordCount += count;
    return at;
  }

  get(at: number): number {
    return this.words[at]!;
  }

  set(at: number, value: number): void {
    this.words[at] = value;
  }

  addOctets(values: Uint8Array): number {
    const at = this.octetCount;
    if (at + values.length > this.octets.length) {
      const larger = new Uint8Array(2 * this.octets.length + values.length);
      larger.set(this.octets);
      this.octets = larger;
    }
    this.octets.set(values, at);
    this.octetCount += values.length;
    return at;
  }

  /** The block, the octets behind the words. @param references words that hold octet offsets, to be moved with them */
  finish(references: readonly number[]): AnswerTable {
    const base = 4 * this.wordCount;
    for (const at of references) this.words[at]! += base;
    // whole words, so that all of it can be read as such
    const shared = new SharedArrayBuffer(base + 4 * Math.ceil(this.octetCount / 4));
    new Int32Array(shared, 0, this.wordCount).set(this.words.subarray(0, this.wordCount));
    new Uint8Array(shared, base).set(this.octets.subarray(0, this.octetCount));
    return shared;
  }
}

/** Used by one compilation at a time. */
const writer = new MessageWriter();

/** Which pointers move with the length of the asked name: none when it is the one written for; all; or all but those to the name itself. */
type Shift = "none" | "all" | "all but the name";

/**
 * Writes the answers of a zone into a table. Every answer comes from `lookup`: the table only remembers.
 * @param signed leaves questions with DO to the general path, which signs
 */
export function compileZone(zone: Zone, signed = false): AnswerTable {
  const block = new Block();
  const references: number[] = [];

  const addBody = (question: Name, answer: Answer, shift: Shift): number => {
    writer.begin(0xffff);
    writer.question(question, 0, 0);
    const start = writer.length;
    let answers = 0;
    let ringAt = 0;
    for (const { owner, rrset } of answer.answer) {
      ringAt = writer.length;
      const written = writer.rrset(owner, rrset);
      if (written === 0) return 0;
      answers += written;
    }
    const last = answer.answer.at(-1)?.rrset;
    const isRing = last !== undefined && (last.type === Type.A || last.type === Type.AAAA) && last.rdatas.length > 1;
    const count = isRing ? last.rdatas.length : 0;
    const take = isRing ? Math.min(count, last.maxAnswers ?? count) : 0;
    // which records it gives is drawn anew each time, but they are no ring
    if (!isRing && last?.maxAnswers !== undefined && last.rdatas.length > last.maxAnswers) return 0;
    const recordSize = isRing ? (writer.length - ringAt) / count : 0;
    let authority = 0;
    let additional = 0;
    for (const { owner, rrset } of answer.authority) authority += writer.rrset(owner, rrset);
    for (const { owner, rrset } of [...answer.glue, ...answer.additional]) additional += writer.rrset(owner, rrset);
    const length = writer.length - start;
    const emitted = length - (count - take) * recordSize;
    // what follows a ring that is given in part would move, and the pointers into it with it
    const followed = authority + additional > 0;
    if (emitted > MAX_BODY || (take < count && followed)) return 0;
    const pointers = writer.pointers.filter((at) => {
      const target = ((writer.bytes[at]! & 0x3f) << 8) | writer.bytes[at + 1]!;
      return shift === "all" || (shift === "all but the name" && target !== HEADER_LENGTH);
    });
    references.push(block.wordCount + Body.OCTETS);
    return block.add([
      block.addOctets(writer.bytes.subarray(start, writer.length)),
      length,
      answer.rcode | (answer.authoritative ? BODY_AA : 0),
      ((answers - count + take) << 16) | authority,
      (additional << 16) | question.length,
      (count << 16) | take,
      ((isRing ? ringAt - start : length) << 16) | recordSize,
      pointers.length,
      ...pointers.map((at) => at - start),
    ]);
  };

  const negative = (rcode: number): Answer => ({
    rcode,
    authoritative: true,
    answer: [],
    authority: [zone.negativeSoa],
    glue: [],
    additional: [],
  });
  const nodata = addBody(zone.origin, negative(Rcode.NOERROR), "all");
  block.set(Head.NXDOMAIN, addBody(zone.origin, negative(Rcode.NXDOMAIN), "all"));

  const addNode = (name: Name, isCut: boolean, fallback: number, types: readonly number[]): number => {
    references.push(block.wordCount + Node.NAME);
    return block.add([block.addOctets(nameBytes(name)), name.length, isCut ? 1 : 0, fallback, 0, types.length / 2, ...types]);
  };

  /** A node with data: asked for as `question`. */
  const addData = (question: Name, node: ZoneNode, shift: Shift): number => {
    const body = (type: number): number => addBody(question, lookup(zone, question, type), shift);
    const aliased = node.rrsets.has(Type.CNAME);
    const types = (aliased ? ALIAS_TYPES : [...node.rrsets.keys()].filter((type) => type !== Type.DS)).flatMap((type) => [
      type,
      body(type),
    ]);
    if (!aliased) return addNode(question, false, nodata, types);
    // an alias that leaves the zone is the answer for every type
    const other = lookup(zone, question, NO_TYPE);
    return addNode(question, false, other.rcode === Rcode.NOERROR && other.authority.length === 0 ? body(NO_TYPE) : 0, types);
  };

  const wildcards: [above: Name, node: number][] = [];
  const nodes = new Map<Name, number>();
  for (const [name, node] of zone.nodes) {
    const found = matchName(zone, name, NO_TYPE);
    const isCut = found.kind === "delegation" && found.node === node;
    // what lies below a cut or a DNAME is never found: the search from below ends at the cut or DNAME
    if (found.kind !== "exact" && !isCut) continue;
    nodes.set(name, isCut ? addNode(name, true, addBody(name, lookup(zone, name, NO_TYPE), "all"), []) : addData(name, node, "none"));
    if (node.rrsets.has(Type.DNAME)) wildcards.push([name, CHILD_GENERAL]);
    if (name.startsWith("\x01*")) {
      const above = parentName(name);
      const asked = `${STAND_IN}${above}` as Name;
      // an alias may lead back to the asked name, so that the answer depends on it
      const general = isCut || node.rrsets.has(Type.CNAME) || zone.nodes.has(asked) || zone.nodes.get(above)!.rrsets.has(Type.DNAME);
      wildcards.push([above, general ? CHILD_GENERAL : addData(asked, node, "all but the name")]);
    }
  }
  for (const [above, node] of wildcards) {
    const at = nodes.get(above);
    if (at !== undefined) block.set(at + Node.CHILD, node);
  }

  const size = 2 ** Math.ceil(Math.log2(2 * nodes.size + 2));
  const slots = block.addZeros(2 * size);
  for (const [name, node] of nodes) {
    const hash = hashName(name);
    let slot = hashSlot(hash, size - 1);
    while (block.get(slots + 2 * slot + 1) !== 0) slot = (slot + 1) & (size - 1);
    block.set(slots + 2 * slot, hash);
    block.set(slots + 2 * slot + 1, node);
  }
  block.set(Head.SIGNED, signed ? 1 : 0);
  block.set(Head.MASK, size - 1);
  block.set(Head.SLOTS, slots);
  block.set(Head.APEX, nodes.get(zone.origin)!);
  return block.finish(references);
}
