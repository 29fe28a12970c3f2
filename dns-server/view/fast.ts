import { Class, EdnsOption, Flag, Rcode, Type, HEADER_LENGTH } from "../wire/constants.ts";
import { COOKIE_LENGTH, isCookieLength } from "../wire/cookie.ts";
import {
  beginOpt,
  beginOption,
  endOpt,
  ExtendedError,
  MAX_UDP_PAYLOAD,
  OPT_LENGTH,
  OPTION_HEADER_LENGTH,
  PLAIN_UDP_PAYLOAD,
  type Identity,
} from "../wire/edns.ts";
import { MAX_NAME_LENGTH, type Name } from "../wire/name.ts";
import { Body, BODY_AA, BODY_ADDS, BODY_LONG, BODY_SINGLE, CHILD_GENERAL, DEFAULT_NODATA, Head, Node, type AnswerTable } from "./layout.ts";
import { HASH_SEED, hashName, hashOctet, hashSlot } from "./layout.ts";

/** A question that the tables do not answer: the general path does. */
export const GENERAL = 0;

/** A table as a thread reads it. */
interface Table {
  readonly words: Int32Array;
  readonly octets: Uint8Array;
}

const MAX_LABELS = 128;
const MIN_QUERY = HEADER_LENGTH + 1 + 4;
const COOKIE_OPTION_LENGTH = OPTION_HEADER_LENGTH + COOKIE_LENGTH;
/** Compression pointers have 14 bits. */
const MAX_POINTER = 0x3fff;
/** Where the target is in an SRV record that begins with a pointer: behind type, class, TTL, length, and three numbers. */
const SRV_TARGET = 18;
/** Targets of one answer that are told apart. */
const MAX_TARGETS = 64;

/**
 * Answers plain questions from tables: looks the name up, copies the finished answer behind the question, and patches id, flags,
 * pointers and
 * rotation. Allocates nothing, and leaves everything odd to the general path. One for each thread.
 */
export class FastResponder {
  /** Of the last answer. */
  rcode = 0;
  type = 0;
  private readonly identity: Identity;
  private seed: number;
  private now = 0;

  private tables: (Table | undefined)[] = [];
  private zoneSlots = new Int32Array(16);
  private zoneMask = 7;
  private loading = false;

  // the name that is asked for, folded, and of each of its suffixes the start and the hash
  private readonly folded = new Uint8Array(MAX_NAME_LENGTH);
  private readonly starts = new Int32Array(MAX_LABELS);
  private readonly hashes = new Int32Array(MAX_LABELS);
  /** Hashes of the targets of an answer. */
  private readonly targets = new Int32Array(MAX_TARGETS);
  private nameLength = 0;
  private labels = 0;

  /** @param seed of the rotation, not 0 */
  constructor(identity: Identity, seed = 1 + Math.floor(Math.random() * 0x7ffffffe)) {
    this.identity = identity;
    this.seed = seed;
  }

  /**
   * Puts the table of a zone in place of the one that was there, or takes it away.
   * @param origin folded
   * @returns octets of the one that was there
   */
  setZone(origin: Name, block: AnswerTable | undefined): number {
    const hash = hashName(origin);
    const table = block && { words: new Int32Array(block), octets: new Uint8Array(block) };
    for (let slot = hashSlot(hash, this.zoneMask); ; slot = (slot + 1) & this.zoneMask) {
      const index = this.zoneSlots[2 * slot + 1]!;
      if (index === 0) {
        if (table) this.addZone(slot, hash, table);
        return 0;
      }
      const known = this.tables[index - 1];
      if (this.zoneSlots[2 * slot] === hash && known && apexOf(known) === origin) {
        this.tables[index - 1] = table;
        return known.octets.length;
      }
    }
  }

  private addZone(slot: number, hash: number, table: Table): void {
    this.tables.push(table);
    this.zoneSlots[2 * slot] = hash;
    this.zoneSlots[2 * slot + 1] = this.tables.length;
    if (2 * this.tables.length <= this.zoneMask) return;
    // half full: again, with room for as many more as there are, and without those taken away
    const live = this.tables.filter((item) => item !== undefined);
    this.tables = [];
    this.zoneMask = Math.max(7, 2 ** Math.ceil(Math.log2(4 * live.length)) - 1);
    this.zoneSlots = new Int32Array(2 * (this.zoneMask + 1));
    for (const item of live) {
      const itemHash = hashName(apexOf(item));
      let at = hashSlot(itemHash, this.zoneMask);
      while (this.zoneSlots[2 * at + 1] !== 0) at = (at + 1) & this.zoneMask;
      this.tables.push(item);
      this.zoneSlots[2 * at] = itemHash;
      this.zoneSlots[2 * at + 1] = this.tables.length;
    }
  }

  /** Places for zones, those taken away included. */
  get slots(): number {
    return this.zoneMask + 1;
  }

  /** While names are still being loaded, those without a zone are left to the general path. */
  setLoading(loading: boolean): void {
    this.loading = loading;
  }

  /** Sets the time that cookies carry. @param now seconds since 1970 */
  setTime(now: number): void {
    this.now = now;
  }

  /**
   * Answers the query of `length` octets at `from` in `query`, into `out` at `to`.
   * @param tcpRoom octets that are free there for an answer over TCP; 0 for UDP, where MAX_UDP_PAYLOAD octets must be free
   * @param client where the `clientLength` octets of the asker's address are
   * @returns length of the answer, or GENERAL
   */
  answer(
    query: Uint8Array,
    from: number,
    length: number,
    out: Uint8Array,
    to: number,
    tcpRoom: number,
    client: Uint8Array,
    clientAt: number,
    clientLength: number,
  ): number {
    // a query without flags that matter, with one question, and at most one record, which then is OPT
    if (length < MIN_QUERY || (query[from + 2]! & 0xf8) !== 0) return GENERAL;
    if (query[from + 4] !== 0 || query[from + 5] !== 1 || query[from + 10] !== 0 || query[from + 11]! > 1) return GENERAL;
    if ((query[from + 6]! | query[from + 7]! | query[from + 8]! | query[from + 9]!) !== 0) return GENERAL;
    const end = from + length;
    if (!this.readName(query, from + HEADER_LENGTH, end)) return GENERAL;
    const fixed = from + HEADER_LENGTH + this.nameLength;
    const questionEnd = fixed + 4;
    if (questionEnd > end) return GENERAL;
    const type = (query[fixed]! << 8) | query[fixed + 1]!;
    if (query[fixed + 2] !== 0 || query[fixed + 3] !== Class.IN) return GENERAL;
    if (type === Type.DS || type === Type.OPT || type === 0 || (type >= 128 && type <= 255)) return GENERAL;

    let edns = false;
    let dnssecOk = 0;
    let cookieAt = 0;
    let room = tcpRoom === 0 ? PLAIN_UDP_PAYLOAD : tcpRoom;
    if (query[from + 11] === 1) {
      const opt = questionEnd;
      if (opt + OPT_LENGTH > end || query[opt] !== 0 || query[opt + 1] !== 0 || query[opt + 2] !== Type.OPT || query[opt + 6] !== 0)
        return GENERAL;
      if (opt + OPT_LENGTH + ((query[opt + 9]! << 8) | query[opt + 10]!) !== end) return GENERAL;
      for (let at = opt + OPT_LENGTH; at < end;) {
        if (at + 4 > end) return GENERAL;
        const code = (query[at]! << 8) | query[at + 1]!;
        const size = (query[at + 2]! << 8) | query[at + 3]!;
        if (at + 4 + size > end || (code === EdnsOption.NSID && this.identity.nsid.length > 0)) return GENERAL;
        if (code === EdnsOption.COOKIE) {
          if (!isCookieLength(size)) return GENERAL;
          if (cookieAt === 0) cookieAt = at + 4;
        }
        at += 4 + size;
      }
      edns = true;
      dnssecOk = query[opt + 7]! & 0x80;
      const payload = (query[opt + 3]! << 8) | query[opt + 4]!;
      if (tcpRoom === 0 && payload > PLAIN_UDP_PAYLOAD) room = payload < MAX_UDP_PAYLOAD ? payload : MAX_UDP_PAYLOAD;
    } else if (questionEnd !== end) return GENERAL;

    const table = this.findZone();
    if (!table) {
      if (this.loading) return GENERAL;
      const end = to + questionEnd - from;
      this.writeHead(query, from, out, to, questionEnd - from, Rcode.REFUSED, 0, 0, edns ? 1 : 0);
      this.type = type;
      if (!edns) return end - to;
      return this.writeOpt(out, end, dnssecOk, query, cookieAt, client, clientAt, clientLength, ExtendedError.NOT_AUTHORITATIVE) - to;
    }
    const { words, octets } = table;
    if (dnssecOk !== 0 && words[Head.SIGNED] !== 0) return GENERAL;
    const body = this.findBody(table, type);
    if (body === 0) return GENERAL;

    const bodyLength = words[body + Body.LENGTH]!;
    const ringCount = words[body + Body.RING_COUNT_TAKE]! >>> 16;
    const ringTake = words[body + Body.RING_COUNT_TAKE]! & 0xffff;
    const recordSize = words[body + Body.RING_START_SIZE]! & 0xffff;
    const question = questionEnd - from;
    const optLength = edns ? (cookieAt === 0 ? OPT_LENGTH : OPT_LENGTH + COOKIE_OPTION_LENGTH) : 0;
    const total = question + bodyLength - (ringCount - ringTake) * recordSize + optLength;
    const flags = words[body + Body.FLAGS]!;
    if (total > room || (flags & BODY_LONG) !== 0) {
      // over UDP the asker comes again by TCP, for whatever the general path would have said
      if (tcpRoom !== 0 || (flags & BODY_SINGLE) === 0) return GENERAL;
      this.writeHead(query, from, out, to, question, flags, 0, 0, edns ? 1 : 0);
      out[to + 2]! |= Flag.TC >>> 8;
      this.type = type;
      return edns ? this.writeOpt(out, to + question, dnssecOk, query, cookieAt, client, clientAt, clientLength, 0) - to : question;
    }
    const counts = words[body + Body.ANSWERS_AUTHORITY]!;
    const additional = words[body + Body.ADDITIONAL_BASE]! >>> 16;
    this.writeHead(query, from, out, to, question, flags, counts >>> 16, counts & 0xffff, edns ? additional + 1 : additional);

    const bodyAt = to + question;
    let source = words[body + Body.OCTETS]!;
    let target = bodyAt;
    const ringAt = target + (words[body + Body.RING_START_SIZE]! >>> 16);
    while (target < ringAt) out[target++] = octets[source++]!;
    if (ringCount > 0) {
      let record = this.random() % ringCount;
      for (let taken = 0; taken < ringTake; taken++) {
        let recordAt = source + record * recordSize;
        for (const recordEnd = target + recordSize; target < recordEnd;) out[target++] = octets[recordAt++]!;
        if (++record === ringCount) record = 0;
      }
      source += ringCount * recordSize;
    }
    const bodyEnd = to + total - optLength;
    while (target < bodyEnd) out[target++] = octets[source++]!;
    const shift = this.nameLength - (words[body + Body.ADDITIONAL_BASE]! & 0xffff);
    if (shift !== 0) {
      for (let i = words[body + Body.POINTERS]!; i > 0; i--) {
        const at = bodyAt + words[body + Body.SIZE + i - 1]!;
        const pointer = ((out[at]! << 8) | out[at + 1]!) + shift;
        out[at] = pointer >>> 8;
        out[at + 1] = pointer;
      }
    }
    if ((flags & BODY_ADDS) !== 0) target = this.addTargets(table, out, to, ringAt, recordSize, ringTake, target, to + room - optLength);
    if (edns) target = this.writeOpt(out, target, dnssecOk, query, cookieAt, client, clientAt, clientLength, 0);
    this.type = type;
    return target - to;
  }

  /**
   * Adds the addresses of the targets of the SRV records that were given, as far as they fit.
   * @param records where these begin in `out`, the message at `to`
   * @returns where the message now ends
   */
  private addTargets(
    table: Table,
    out: Uint8Array,
    to: number,
    records: number,
    recordSize: number,
    count: number,
    end: number,
    limit: number,
  ): number {
    const { words, octets } = table;
    let target = end;
    let added = (out[to + 10]! << 8) | out[to + 11]!;
    for (let record = 0; record < count; record++) {
      const nameAt = records + record * recordSize + SRV_TARGET;
      if (nameAt - to > MAX_POINTER || !this.readName(out, nameAt, records + (record + 1) * recordSize)) break;
      if (this.isAdded(record)) continue;
      const node = this.exactNode(table);
      if (node === 0) continue;
      for (let type: number = Type.AAAA; type !== 0; type = type === Type.AAAA ? Type.A : 0) {
        const body = bodyOf(words, node, type);
        if (body <= 0 || (words[body + Body.FLAGS]! & (15 | BODY_SINGLE | BODY_LONG)) !== BODY_SINGLE) continue;
        const source = words[body + Body.OCTETS]!;
        // an alias has no addresses of its own
        if (((octets[source + 2]! << 8) | octets[source + 3]!) !== type) continue;
        const ring = words[body + Body.RING_COUNT_TAKE]! >>> 16;
        const take = ring === 0 ? 1 : words[body + Body.RING_COUNT_TAKE]! & 0xffff;
        const size = ring === 0 ? words[body + Body.LENGTH]! : words[body + Body.RING_START_SIZE]! & 0xffff;
        if (target + take * size > limit) continue;
        let from = ring === 0 ? 0 : this.random() % ring;
        for (let taken = 0; taken < take; taken++) {
          const at = source + from * size;
          out[target] = 0xc0 | ((nameAt - to) >>> 8);
          out[target + 1] = nameAt - to;
          for (let i = 2; i < size; i++) out[target + i] = octets[at + i]!;
          target += size;
          added++;
          if (++from === ring) from = 0;
        }
      }
    }
    out[to + 10] = added >>> 8;
    out[to + 11] = added;
    return target;
  }

  /** Whether the name that was read is that of an earlier record of this answer, and notes it. */
  private isAdded(record: number): boolean {
    const hash = this.hashes[0]!;
    for (let earlier = 0; earlier < record && earlier < MAX_TARGETS; earlier++) if (this.targets[earlier] === hash) return true;
    if (record < MAX_TARGETS) this.targets[record] = hash;
    return false;
  }

  /** The node of the name that was read, if it is there and no cut. */
  private exactNode(table: Table): number {
    const { words } = table;
    const mask = words[Head.MASK]!;
    const slots = words[Head.SLOTS]!;
    const hash = this.hashes[0]!;
    for (let slot = hashSlot(hash, mask); ; slot = (slot + 1) & mask) {
      const node = Atomics.load(words, slots + 2 * slot + 1);
      if (node === 0) return 0;
      if (words[slots + 2 * slot] === hash && this.isName(table, node, 0)) return words[node + Node.IS_CUT] === 1 ? 0 : node;
    }
  }

  private random(): number {
    this.seed ^= this.seed << 13;
    this.seed ^= this.seed >>> 17;
    this.seed ^= this.seed << 5;
    return this.seed >>> 0;
  }

  /** Reads a name without compression, and hashes its suffixes. */
  private readName(query: Uint8Array, from: number, end: number): boolean {
    const { folded, starts, hashes } = this;
    let labels = 0;
    let at = from;
    for (;;) {
      const size = query[at]!;
      if (size === 0) break;
      if (size > 63 || at + 1 + size >= end || at - from + 1 + size >= MAX_NAME_LENGTH) return false;
      starts[labels++] = at - from;
      at += 1 + size;
    }
    this.nameLength = at - from + 1;
    this.labels = labels;
    starts[labels] = at - from;
    folded[at - from] = 0;
    let hash = HASH_SEED;
    hashes[labels] = hash;
    for (let label = labels - 1; label >= 0; label--) {
      const labelEnd = starts[label + 1]!;
      for (let i = starts[label]!; i < labelEnd; i++) {
        let octet = query[from + i]!;
        // length octets are below the letters
        if (octet >= 0x41 && octet <= 0x5a) octet |= 0x20;
        folded[i] = octet;
        hash = hashOctet(hash, octet);
      }
      hashes[label] = hash;
    }
    return true;
  }

  /** The closest zone above the name. */
  private findZone(): Table | undefined {
    const { zoneSlots, zoneMask, hashes, labels } = this;
    for (let label = 0; label <= labels; label++) {
      const hash = hashes[label]!;
      for (let slot = hashSlot(hash, zoneMask); ; slot = (slot + 1) & zoneMask) {
        const index = zoneSlots[2 * slot + 1]!;
        if (index === 0) break;
        if (zoneSlots[2 * slot] !== hash) continue;
        const table = this.tables[index - 1];
        if (table && this.isName(table, table.words[Head.APEX]!, label)) return table;
      }
    }
    return undefined;
  }

  /** Whether a node has the name that starts at a label of the asked one. */
  private isName(table: Table, node: number, label: number): boolean {
    const start = this.starts[label]!;
    const length = table.words[node + Node.NAME_LENGTH]!;
    if (length !== this.nameLength - start) return false;
    const at = table.words[node + Node.NAME]!;
    for (let i = 0; i < length; i++) if (table.octets[at + i] !== this.folded[start + i]) return false;
    return true;
  }

  private findBody(table: Table, type: number): number {
    const { words } = table;
    const mask = words[Head.MASK]!;
    const slots = words[Head.SLOTS]!;
    // from the whole name up to the first that is there: the apex at the latest
    for (let label = 0; label <= this.labels; label++) {
      const hash = this.hashes[label]!;
      for (let slot = hashSlot(hash, mask); ; slot = (slot + 1) & mask) {
        const node = Atomics.load(words, slots + 2 * slot + 1);
        if (node === 0) break;
        if (words[slots + 2 * slot] !== hash || !this.isName(table, node, label)) continue;
        if (label === 0) return bodyOf(words, node, type);
        if (words[node + Node.IS_CUT] === 1) return words[node + Node.DEFAULT]!;
        const child = words[node + Node.CHILD]!;
        if (child === CHILD_GENERAL) return 0;
        return child === 0 ? Atomics.load(words, Head.NXDOMAIN) : bodyOf(words, child, type);
      }
    }
    return 0;
  }

  private writeHead(
    query: Uint8Array,
    from: number,
    out: Uint8Array,
    to: number,
    length: number,
    flags: number,
    answers: number,
    authority: number,
    additional: number,
  ): void {
    out[to] = query[from]!;
    out[to + 1] = query[from + 1]!;
    out[to + 2] = 0x80 | (query[from + 2]! & 1) | ((flags & BODY_AA) >>> 6);
    out[to + 3] = (query[from + 3]! & 0x10) | (flags & 15);
    out[to + 4] = 0;
    out[to + 5] = 1;
    out[to + 6] = answers >>> 8;
    out[to + 7] = answers;
    out[to + 8] = authority >>> 8;
    out[to + 9] = authority;
    out[to + 10] = additional >>> 8;
    out[to + 11] = additional;
    for (let i = HEADER_LENGTH; i < length; i++) out[to + i] = query[from + i]!;
    this.rcode = flags & 15;
  }

  private writeOpt(
    out: Uint8Array,
    to: number,
    dnssecOk: number,
    query: Uint8Array,
    cookieAt: number,
    client: Uint8Array,
    clientAt: number,
    clientLength: number,
    extendedError: number,
  ): number {
    let at = beginOpt(out, to, 0, dnssecOk << 8);
    if (cookieAt !== 0) {
      at = beginOption(out, at, EdnsOption.COOKIE, COOKIE_LENGTH);
      this.identity.cookies.write(out, at, query, cookieAt, client, this.now, clientAt, clientLength);
      at += COOKIE_LENGTH;
    }
    if (extendedError !== 0) {
      at = beginOption(out, at, EdnsOption.EDE, 2);
      out[at++] = 0;
      out[at++] = extendedError;
    }
    endOpt(out, to, at);
    return at;
  }
}

function bodyOf(words: Int32Array, node: number, type: number): number {
  const end = node + Node.SIZE + 2 * words[node + Node.TYPES]!;
  for (let at = node + Node.SIZE; at < end; at += 2) if (words[at] === type) return words[at + 1]!;
  const body = words[node + Node.DEFAULT]!;
  return body === DEFAULT_NODATA ? Atomics.load(words, Head.NODATA) : body;
}

function apexOf({ words, octets }: Table): Name {
  const node = words[Head.APEX]!;
  const at = words[node + Node.NAME]!;
  return Buffer.from(octets.subarray(at, at + words[node + Node.NAME_LENGTH]!)).toString("latin1") as Name;
}
