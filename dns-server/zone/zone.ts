import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, parentName, type Name } from "../wire/name.ts";
import type { ZoneRecord } from "./record.ts";

/** All records of one name and type. Never changed once it is in a zone. */
export interface RRset {
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
  /** At most so many records in one answer, another choice each time; all when absent. */
  readonly maxAnswers?: number;
}

/** A name of a zone. One without RRsets is an empty non-terminal. */
export interface ZoneNode {
  /** As written, for the case of its letters. */
  readonly name: Name;
  readonly rrsets: ReadonlyMap<number, RRset>;
}

/** An RRset with the name it is given under in an answer. */
export interface OwnedRRset {
  readonly owner: Name;
  readonly rrset: RRset;
}

/** An immutable zone: every name from the origin down, empty non-terminals included, by folded name. */
export interface Zone {
  /** Folded. */
  readonly origin: Name;
  readonly nodes: ReadonlyMap<Name, ZoneNode>;
  readonly soa: OwnedRRset;
  /** The SOA as negative answers carry it: its TTL is at most its MINIMUM (RFC 2308 section 3). */
  readonly negativeSoa: OwnedRRset;
}

/** The last field of SOA data, in seconds. */
export const soaMinimum = (soa: RRset): number => readTail(soa, 4);

/** The serial of SOA data. */
export const soaSerial = (soa: RRset): number => readTail(soa, 20);

function readTail(soa: RRset, fromEnd: number): number {
  const rdata = soa.rdatas[0]!;
  return new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.length - fromEnd);
}

/**
 * Makes a zone of records that passed `checkRecords`: equal records are joined, the TTL of an RRset is the lowest of its records
 * (RFC 2181 section 5.2), empty non-terminals come into being (RFC 4592 section 2.2.2).
 * @param origin folded
 * @param maxAnswers for the RRsets of what clients connect to (A, AAAA, SRV) below and at the origin; all are given when absent
 * @throws Error when the records have no SOA at the origin
 */
export function makeZone(origin: Name, records: Iterable<ZoneRecord>, maxAnswers?: number): Zone {
  const nodes = new Map<Name, { name: Name; rrsets: Map<number, RRset & { ttl: number; rdatas: Uint8Array[] }> }>();
  const nodeAt = (name: Name): { rrsets: Map<number, RRset & { ttl: number; rdatas: Uint8Array[] }> } => {
    const key = foldName(name);
    const known = nodes.get(key);
    if (known) return known;
    const node = { name, rrsets: new Map() };
    nodes.set(key, node);
    for (let above = name; above.length > origin.length;) {
      above = parentName(above);
      if (nodes.has(foldName(above))) break;
      nodes.set(foldName(above), { name: above, rrsets: new Map() });
    }
    return node;
  };
  for (const { name, type, ttl, rdata } of records) {
    if (!isSubdomain(foldName(name), origin)) continue;
    const { rrsets } = nodeAt(name);
    const rrset = rrsets.get(type);
    if (!rrset) {
      const limited = maxAnswers !== undefined && (type === Type.A || type === Type.AAAA || type === Type.SRV);
      rrsets.set(type, { type, ttl, rdatas: [rdata], ...(limited ? { maxAnswers } : {}) });
    } else {
      rrset.ttl = Math.min(rrset.ttl, ttl);
      if (!rrset.rdatas.some((other) => Buffer.compare(other, rdata) === 0)) rrset.rdatas.push(rdata);
    }
  }
  const apex = nodes.get(origin);
  const soa = apex?.rrsets.get(Type.SOA);
  if (!apex || !soa) throw new Error("the zone has no SOA record at its origin");
  return {
    origin,
    nodes,
    soa: { owner: apex.name, rrset: soa },
    negativeSoa: { owner: apex.name, rrset: { ...soa, ttl: Math.min(soa.ttl, soaMinimum(soa)) } },
  };
}
