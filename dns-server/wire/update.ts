import { Class, EdnsOption, isMetaType, Rcode, Type, HEADER_LENGTH } from "./constants.ts";
import { foldName, isSubdomain, readName, type Name } from "./name.ts";
import { isWellFormed } from "./rdata.ts";
import { RecordCursor, type Section } from "./records.ts";

/** DNS UPDATE messages (RFC 2136), with the lease that is asked for (RFC 9664). */

export interface UpdateRecord {
  readonly name: Name;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

export interface UpdateMessage {
  readonly id: number;
  readonly zone: Name;
  readonly prerequisites: readonly UpdateRecord[];
  readonly updates: readonly UpdateRecord[];
  /** Seconds that the added records shall live; forever when absent. */
  readonly lease: number | undefined;
}

/** Reads an UPDATE message; a number is the rcode to refuse it with. A TSIG record is passed over. */
export function readUpdate(message: Buffer): UpdateMessage | number {
  if (message.length < HEADER_LENGTH || message.readUInt16BE(4) !== 1) return Rcode.FORMERR;
  const zone = readName(message, HEADER_LENGTH);
  if (!zone || zone.end + 4 > message.length || message.readUInt16BE(zone.end) !== Type.SOA) return Rcode.FORMERR;
  if (message.readUInt16BE(zone.end + 2) !== Class.IN) return Rcode.NOTAUTH;
  const sections = readSections(message, zone.end + 4);
  if (!sections) return Rcode.FORMERR;
  // what a query has as answer and authority
  const { answer: prerequisites, authority: updates, additional } = sections;
  const opt = additional.find(({ type }) => type === Type.OPT);
  const lease = opt && leaseOf(Buffer.from(opt.rdata));
  if (lease === "malformed") return Rcode.FORMERR;
  const refused = checkSections(foldName(zone.name), prerequisites, updates);
  if (refused !== undefined) return refused;
  return { id: message.readUInt16BE(0), zone: foldName(zone.name), prerequisites, updates, lease };
}

/** The records of each section; undefined when they are not well-formed, or not all of the message. */
function readSections(message: Buffer, at: number): Record<Section, UpdateRecord[]> | undefined {
  const sections: Record<Section, UpdateRecord[]> = { answer: [], authority: [], additional: [] };
  const cursor = new RecordCursor(message, at);
  while (cursor.next()) {
    const { type, class: rclass, ttl } = cursor;
    const [name, rdata] = [cursor.owner(), cursor.rdata()];
    if (name === undefined || !rdata) return undefined;
    sections[cursor.section].push({ name, type, class: rclass, ttl, rdata });
  }
  return cursor.isBroken || cursor.end !== message.length ? undefined : sections;
}

function leaseOf(options: Buffer): number | "malformed" | undefined {
  for (let at = 0; at < options.length;) {
    if (at + 4 > options.length) return "malformed";
    const length = options.readUInt16BE(at + 2);
    if (at + 4 + length > options.length) return "malformed";
    if (options.readUInt16BE(at) === EdnsOption.UPDATE_LEASE)
      return length === 4 || length === 8 ? options.readUInt32BE(at + 4) : "malformed";
    at += 4 + length;
  }
  return undefined;
}

/** What can be said of prerequisites and updates without the zone (RFC 2136 sections 3.2 and 3.4.1). */
function checkSections(zone: Name, prerequisites: readonly UpdateRecord[], updates: readonly UpdateRecord[]): number | undefined {
  for (const { name, type, class: rclass, ttl, rdata } of prerequisites) {
    if (ttl !== 0) return Rcode.FORMERR;
    if (!isSubdomain(foldName(name), zone)) return Rcode.NOTZONE;
    if (rclass === Class.IN ? !isData(type, rdata) : rclass !== Class.ANY && rclass !== Class.NONE) return Rcode.FORMERR;
    if (rclass !== Class.IN && (rdata.length > 0 || (isMetaType(type) && type !== Type.ANY))) return Rcode.FORMERR;
  }
  for (const { name, type, class: rclass, ttl, rdata } of updates) {
    if (!isSubdomain(foldName(name), zone)) return Rcode.NOTZONE;
    const wellFormed =
      rclass === Class.IN
        ? ttl <= 0x7fffffff && isData(type, rdata)
        : rclass === Class.NONE
          ? ttl === 0 && isData(type, rdata)
          : rclass === Class.ANY && ttl === 0 && rdata.length === 0 && (type === Type.ANY || !isMetaType(type));
    if (!wellFormed) return Rcode.FORMERR;
  }
  return undefined;
}

const isData = (type: number, rdata: Uint8Array): boolean => !isMetaType(type) && isWellFormed(type, rdata);
