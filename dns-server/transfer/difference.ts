import { Type } from "../wire/constants.ts";
import type { Name } from "../wire/name.ts";
import { soaOf } from "../zone/content.ts";
import type { RRset } from "../zone/node.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { differingNames, type Zone } from "../zone/zone.ts";

/** What leads from one version of a zone to a later one. The SOA records are not among the records. */
export interface Difference {
  readonly before: ZoneRecord;
  readonly after: ZoneRecord;
  readonly removed: readonly ZoneRecord[];
  readonly added: readonly ZoneRecord[];
}

/** Compares two versions of a zone, at the cost of what is different where the later one was made from the earlier. */
export function differenceOf(before: Zone, after: Zone): Difference {
  const removed: ZoneRecord[] = [];
  const added: ZoneRecord[] = [];
  for (const key of differingNames(before, after)) {
    const [old, node] = [before.nodes.get(key), after.nodes.get(key)];
    for (const [type, rrset] of node?.rrsets ?? []) collect(added, node!.name, rrset, old?.rrsets.get(type));
    for (const [type, rrset] of old?.rrsets ?? []) collect(removed, old!.name, rrset, node?.rrsets.get(type));
  }
  return { before: soaOf(before), after: soaOf(after), removed, added };
}

/** Adds the records of an RRset that the other one lacks; all of them when the TTLs differ. */
function collect(records: ZoneRecord[], name: Name, { type, ttl, rdatas }: RRset, other: RRset | undefined): void {
  if (type === Type.SOA) return;
  const octets = (rdata: Uint8Array): string => Buffer.from(rdata.buffer, rdata.byteOffset, rdata.byteLength).toString("latin1");
  const kept = new Set(other?.ttl === ttl ? other.rdatas.map(octets) : []);
  for (const rdata of rdatas) if (!kept.has(octets(rdata))) records.push({ name, type, ttl, rdata });
}
