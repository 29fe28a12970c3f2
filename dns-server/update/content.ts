import { isSameRdata } from "../wire/canonical.ts";
import { Class, Rcode, Type } from "../wire/constants.ts";
import { foldName, type Name } from "../wire/name.ts";
import { isLater } from "../wire/serial.ts";
import { soaSerial, withSerial } from "../wire/soa.ts";
import type { UpdateRecord } from "../wire/update.ts";
import type { ZoneRecord } from "../zone/record.ts";

/** A record of a zone that can be updated, and when it goes by itself. */
export interface LeasedRecord {
  readonly record: ZoneRecord;
  /** Milliseconds since 1970; never when absent. */
  readonly expires?: number;
}

/** What an update changes. */
export interface Change {
  readonly remove: readonly ZoneRecord[];
  readonly add: readonly LeasedRecord[];
}

export const sameData = (a: ZoneRecord, b: { type: number; rdata: Uint8Array }): boolean =>
  a.type === b.type && isSameRdata(a.type, a.rdata, b.rdata);

/** The records of a zone by name, in a form that updates work on. */
export class Content {
  private readonly names = new Map<Name, LeasedRecord[]>();

  constructor(records: Iterable<ZoneRecord> = []) {
    for (const record of records) this.put({ record });
  }

  at(name: Name): readonly LeasedRecord[] {
    return this.names.get(foldName(name)) ?? [];
  }

  *entries(): Generator<LeasedRecord> {
    for (const entries of this.names.values()) yield* entries;
  }

  *records(): Generator<ZoneRecord> {
    for (const { record } of this.entries()) yield record;
  }

  apply({ remove, add }: Change): void {
    for (const record of remove) this.take(record);
    for (const entry of add) this.put(entry);
  }

  private put(entry: LeasedRecord): void {
    this.take(entry.record);
    const key = foldName(entry.record.name);
    this.names.set(key, [...(this.names.get(key) ?? []), entry]);
  }

  private take(record: ZoneRecord): void {
    const key = foldName(record.name);
    const rest = (this.names.get(key) ?? []).filter((entry) => !sameData(entry.record, record));
    if (rest.length > 0) this.names.set(key, rest);
    else this.names.delete(key);
  }
}

/** Whether the prerequisites hold (RFC 2136 section 3.2). @returns the rcode to refuse with when they do not */
export function checkPrerequisites(content: Content, prerequisites: readonly UpdateRecord[]): number | undefined {
  const exact = new Map<string, { name: Name; type: number; wanted: UpdateRecord[] }>();
  for (const prerequisite of prerequisites) {
    const { name, type, class: rclass } = prerequisite;
    const there = content.at(name).some(({ record }) => type === Type.ANY || record.type === type);
    if (rclass === Class.ANY && !there) return type === Type.ANY ? Rcode.NXDOMAIN : Rcode.NXRRSET;
    if (rclass === Class.NONE && there) return type === Type.ANY ? Rcode.YXDOMAIN : Rcode.YXRRSET;
    if (rclass !== Class.IN) continue;
    const key = `${type} ${foldName(name)}`;
    const set = exact.get(key) ?? { name, type, wanted: [] };
    exact.set(key, set);
    set.wanted.push(prerequisite);
  }
  for (const { name, type, wanted } of exact.values()) {
    const there = content.at(name).filter(({ record }) => record.type === type);
    const same = there.length === wanted.length && there.every(({ record }) => wanted.some((other) => sameData(record, other)));
    if (!same) return Rcode.NXRRSET;
  }
  return undefined;
}

/**
 * What the updates come to, in their order (RFC 2136 section 3.4.2); what the RFC wants ignored leaves no trace. The zone itself is not
 * touched.
 * @param expiresOf when an added record goes by itself
 */
export function planUpdates(
  content: Content,
  apex: Name,
  updates: readonly UpdateRecord[],
  expiresOf: (update: UpdateRecord) => number | undefined,
): Change {
  const touched = new Map<Name, LeasedRecord[]>();
  const entriesAt = (name: Name): LeasedRecord[] => touched.get(foldName(name)) ?? [...content.at(name)];
  for (const update of updates) {
    const { name, type, ttl, rdata } = update;
    const isApex = foldName(name) === apex;
    const entries = entriesAt(name);
    let next: LeasedRecord[];
    if (update.class === Class.IN) {
      const expires = expiresOf(update);
      next = added(entries, { record: { name, type, ttl, rdata }, ...(expires === undefined ? {} : { expires }) });
    } else if (update.class === Class.ANY) {
      const kept = (present: number): boolean =>
        (type === Type.ANY ? false : present !== type) || (isApex && (present === Type.SOA || present === Type.NS));
      next = entries.filter(({ record }) => kept(record.type));
    } else {
      const lastNs = isApex && type === Type.NS && entries.filter(({ record }) => record.type === Type.NS).length === 1;
      next = type === Type.SOA || lastNs ? entries : entries.filter(({ record }) => !sameData(record, update));
    }
    touched.set(foldName(name), next);
  }
  const remove: ZoneRecord[] = [];
  const add: LeasedRecord[] = [];
  for (const [name, after] of touched) {
    const before = content.at(name);
    for (const { record } of before) if (!after.some((entry) => sameData(entry.record, record))) remove.push(record);
    for (const entry of after) if (!before.includes(entry)) add.push(entry);
  }
  return { remove, add };
}

function added(entries: readonly LeasedRecord[], entry: LeasedRecord): LeasedRecord[] {
  const { type } = entry.record;
  const isAlias = entries.some(({ record }) => record.type === Type.CNAME);
  if (type === Type.CNAME ? entries.length > 0 && !isAlias : isAlias) return [...entries];
  if (type === Type.SOA) {
    const soa = entries.find(({ record }) => record.type === Type.SOA);
    if (!soa || !isLater(soaSerial(entry.record.rdata), soaSerial(soa.record.rdata))) return [...entries];
    return [...entries.filter((other) => other !== soa), entry];
  }
  const single = type === Type.CNAME || type === Type.DNAME;
  const known = entries.find(({ record }) => sameData(record, entry.record));
  // what is to stay for ever does so, whoever adds it again for a time: others count on it
  const fresh: LeasedRecord = known && known.expires === undefined ? { record: entry.record } : entry;
  if (known && known.expires === fresh.expires && known.record.ttl === fresh.record.ttl) return [...entries];
  // a TTL holds for the whole RRset (RFC 2181 section 5.2)
  const rest = entries
    .filter(({ record }) => (single ? record.type !== type : !sameData(record, entry.record)))
    .map((other) =>
      other.record.type === type && other.record.ttl !== entry.record.ttl
        ? { ...other, record: { ...other.record, ttl: entry.record.ttl } }
        : other,
    );
  return [...rest, fresh];
}

/** A change with the SOA's serial moved on, unless the change itself does so. */
export function withNextSerial(content: Content, apex: Name, change: Change): Change {
  if (change.add.length + change.remove.length === 0 || change.add.some(({ record }) => record.type === Type.SOA)) return change;
  const { remove, add } = nextSerial(content, apex);
  return { remove: [...change.remove, ...remove], add: [...change.add, ...add] };
}

/** The change of nothing but the SOA's serial. */
export function nextSerial(content: Content, apex: Name): Change {
  const soa = content.at(apex).find(({ record }) => record.type === Type.SOA)!.record;
  const rdata = withSerial(soa.rdata, (soaSerial(soa.rdata) + 1) >>> 0 || 1);
  return { remove: [soa], add: [{ record: { ...soa, rdata } }] };
}
