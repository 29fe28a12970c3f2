import { isSameRdata, rdataKey } from "../wire/canonical.ts";
import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, parentName, type Name } from "../wire/name.ts";
import { soaMinimum } from "../wire/soa.ts";
import type { OwnedRRset, RRset, ZoneNode } from "./node.ts";
import { NodeOverlay } from "./overlay.ts";
import type { ZoneRecord } from "./record.ts";
import { SingleRrset } from "./single-rrset.ts";

/** An immutable zone: every name from the origin down, empty non-terminals included, by folded name. */
export interface Zone {
  /** Folded. */
  readonly origin: Name;
  readonly nodes: ReadonlyMap<Name, ZoneNode>;
  readonly soa: OwnedRRset;
  /** The SOA as negative answers carry it: its TTL is at most its MINIMUM (RFC 2308 section 3). */
  readonly negativeSoa: OwnedRRset;
}

/** Types of which an asker needs some records only: what clients connect to. */
const CHOICES: readonly number[] = [Type.A, Type.AAAA, Type.SRV];
const NO_RRSETS: ReadonlyMap<number, RRset> = new Map();
/** From so many records on an RRset is searched for doubles by hash. */
const MANY = 16;

/**
 * Makes a zone of records that passed `checkRecords`: equal records are joined, the TTL of an RRset is the lowest of its records
 * (RFC 2181 section 5.2), empty non-terminals come into being (RFC 4592 section 2.2.2).
 * @param origin folded
 * @param maxAnswers for the RRsets of what clients connect to (A, AAAA, SRV); all are given when absent
 * @throws Error when the records have no SOA at the origin
 */
export function makeZone(origin: Name, records: Iterable<ZoneRecord>, maxAnswers?: number): Zone {
  const byName = new Map<Name, ZoneRecord[]>();
  for (const record of records) {
    const key = foldName(record.name);
    const known = byName.get(key);
    if (known) known.push(record);
    else if (isSubdomain(key, origin)) byName.set(key, [record]);
  }
  const nodes = new Map<Name, ZoneNode & { children: number }>();
  for (const [key, own] of byName) {
    const { name } = own[0]!;
    // equal strings are kept once
    nodes.set(key, { name: name === key ? key : name, rrsets: joinRecords(own, maxAnswers), children: 0 });
  }
  for (const [key, own] of byName) {
    let { name } = own[0]!;
    for (let at = key; at !== origin;) {
      name = parentName(name);
      at = parentName(at);
      const above = nodes.get(at);
      if (above) {
        above.children++;
        break;
      }
      nodes.set(at, { name, rrsets: NO_RRSETS, children: 1 });
    }
  }
  return withSoa(origin, nodes);
}

/**
 * The zone after a change of some names. What has not changed is shared with `zone`, which stays as it is; the work depends on the size
 * of the change.
 * @param changes by name: all records that it then has; names outside the zone are left out
 * @param maxAnswers as for `makeZone`
 * @throws Error when no SOA is left at the origin
 */
export function changeZone(zone: Zone, changes: ReadonlyMap<Name, readonly ZoneRecord[]>, maxAnswers?: number): Zone {
  const { origin } = zone;
  const nodes = new NodeOverlay(zone.nodes);
  /** Adds to the number of names below the one above, which comes and goes with them. */
  const countChild = (name: Name, change: number): void => {
    const key = foldName(name);
    if (key === origin) return;
    const above = parentName(name);
    const node = nodes.get(parentName(key)) ?? { name: above, rrsets: NO_RRSETS, children: 0 };
    const children = node.children + change;
    const stays = children > 0 || node.rrsets.size > 0 || parentName(key) === origin;
    nodes.set(parentName(key), stays ? { ...node, children } : undefined);
    if (!stays || (node.children === 0 && node.rrsets.size === 0)) countChild(above, stays ? 1 : -1);
  };
  for (const [name, records] of changes) {
    const key = foldName(name);
    if (!isSubdomain(key, origin)) continue;
    const old = nodes.get(key);
    const children = old?.children ?? 0;
    if (records.length > 0) {
      nodes.set(key, { name: records[0]!.name, rrsets: joinRecords(records, maxAnswers), children });
      if (!old) countChild(name, 1);
    } else if (old && (children > 0 || key === origin)) nodes.set(key, { name: old.name, rrsets: NO_RRSETS, children });
    else if (old) {
      nodes.set(key, undefined);
      countChild(name, -1);
    }
  }
  return withSoa(origin, nodes.settle());
}

/** Names, folded, whose records are not the same in two versions of a zone. Versions that share nodes are compared in no time. */
export function* differingNames(before: Zone, after: Zone): Generator<Name> {
  const [a, b] = [before.nodes, after.nodes];
  for (const name of candidates(a, b)) {
    const [old, now] = [a.get(name), b.get(name)];
    if (old !== now && !(old && now && isSameNode(old, now))) yield name;
  }
}

function candidates(a: Zone["nodes"], b: Zone["nodes"]): Iterable<Name> {
  const base = (nodes: Zone["nodes"]): Zone["nodes"] => (nodes instanceof NodeOverlay ? nodes.base : nodes);
  if (base(a) !== base(b)) return new Set([...a.keys(), ...b.keys()]);
  return new Set([a, b].flatMap((nodes) => (nodes instanceof NodeOverlay ? [...nodes.changedNames()] : [])));
}

function isSameNode(a: ZoneNode, b: ZoneNode): boolean {
  if (a.rrsets.size !== b.rrsets.size) return false;
  // nobody sees how an empty non-terminal is spelled
  if (a.name !== b.name && a.rrsets.size > 0) return false;
  for (const [type, rrset] of a.rrsets) if (!isSameRrset(rrset, b.rrsets.get(type))) return false;
  return true;
}

export function isSameRrset(a: RRset, b: RRset | undefined): boolean {
  if (a === b) return true;
  if (b?.ttl !== a.ttl || b.maxAnswers !== a.maxAnswers || b.rdatas.length !== a.rdatas.length) return false;
  return a.rdatas.every((rdata, i) => rdata === b.rdatas[i] || Buffer.compare(rdata, b.rdatas[i]!) === 0);
}

/** RRsets of the records of one name. */
function joinRecords(records: readonly ZoneRecord[], maxAnswers: number | undefined): ReadonlyMap<number, RRset> {
  const rrsets = new Map<number, RRset & { ttl: number; rdatas: Uint8Array[] }>();
  for (const { type, ttl, rdata } of records) {
    const rrset = rrsets.get(type);
    if (rrset) {
      rrset.ttl = Math.min(rrset.ttl, ttl);
      rrset.rdatas.push(rdata);
    } else {
      const limited = maxAnswers !== undefined && CHOICES.includes(type);
      rrsets.set(type, { type, ttl, rdatas: [rdata], ...(limited ? { maxAnswers } : {}) });
    }
  }
  for (const rrset of rrsets.values()) if (rrset.rdatas.length > 1) rrset.rdatas = distinct(rrset.type, rrset.rdatas);
  const [first] = rrsets.values();
  return first && rrsets.size === 1 ? new SingleRrset(first) : rrsets;
}

function distinct(type: number, rdatas: Uint8Array[]): Uint8Array[] {
  if (rdatas.length < MANY) return rdatas.filter((rdata, i) => rdatas.findIndex((other) => isSameRdata(type, other, rdata)) === i);
  const seen = new Set<string>();
  const unseen = rdatas.filter((rdata) => seen.size < seen.add(rdataKey(type, rdata)).size);
  return unseen.length === rdatas.length ? rdatas : unseen;
}

function withSoa(origin: Name, nodes: Zone["nodes"]): Zone {
  const apex = nodes.get(origin);
  const soa = apex?.rrsets.get(Type.SOA);
  if (!apex || !soa) throw new Error("the zone has no SOA record at its origin");
  return {
    origin,
    nodes,
    soa: { owner: apex.name, rrset: soa },
    negativeSoa: { owner: apex.name, rrset: { ...soa, ttl: Math.min(soa.ttl, soaMinimum(soa.rdatas[0]!)) } },
  };
}
