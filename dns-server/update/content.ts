import { rdataKey } from "../wire/canonical.ts";
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

/** A text that is the same for the same data of a type, whatever name and TTL it has. */
export const dataKey = ({ type, rdata }: { readonly type: number; readonly rdata: Uint8Array }): string => `${type} ${rdataKey(type, rdata)}`;

/** Records of one name, by their data: one message may bring thousands. */
type ByData = Map<string, LeasedRecord>;

/** The records of a zone by name, in a form that updates work on. */
export class Content {
  private readonly names = new Map<Name, LeasedRecord[]>();

  constructor(records: Iterable<ZoneRecord> = []) {
    this.apply({ remove: [], add: Array.from(records, (record) => ({ record })) });
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

  /** The records of a name by their data: a copy. */
  byData(name: Name): ByData {
    return new Map(this.at(name).map((entry) => [dataKey(entry.record), entry]));
  }

  /** Finds what has the name and data of a record, fast for many; as long as nothing changes. */
  finder(): (record: Pick<ZoneRecord, "name" | "type" | "rdata">) => LeasedRecord | undefined {
    const known = new Map<Name, ByData>();
    return (record) => {
      const name = foldName(record.name);
      const own = known.get(name) ?? this.byData(name);
      known.set(name, own);
      return own.get(dataKey(record));
    };
  }

  apply({ remove, add }: Change): void {
    const changed = new Map<Name, ByData>();
    const own = (record: ZoneRecord): ByData => {
      const name = foldName(record.name);
      const entries = changed.get(name) ?? this.byData(name);
      changed.set(name, entries);
      return entries;
    };
    for (const record of remove) own(record).delete(dataKey(record));
    for (const entry of add) {
      const [entries, key] = [own(entry.record), dataKey(entry.record)];
      entries.delete(key);
      entries.set(key, entry);
    }
    for (const [name, entries] of changed) {
      if (entries.size > 0) this.names.set(name, [...entries.values()]);
      else this.names.delete(name);
    }
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
    const keys = new Set(wanted.map(dataKey));
    if (there.length !== wanted.length || !there.every(({ record }) => keys.has(dataKey(record)))) return Rcode.NXRRSET;
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
  const touched = new Map<Name, Touched>();
  for (const update of updates) {
    const { name, type, ttl, rdata } = update;
    const isApex = foldName(name) === apex;
    const at = touched.get(foldName(name)) ?? { entries: content.byData(name), ttls: new Map<number, number>(), isAlias: undefined };
    touched.set(foldName(name), at);
    const { entries } = at;
    if (update.class !== Class.IN) at.isAlias = undefined;
    if (update.class === Class.IN) {
      const expires = expiresOf(update);
      add(at, { record: { name, type, ttl, rdata }, ...(expires === undefined ? {} : { expires }) });
    } else if (update.class === Class.ANY) {
      const kept = (present: number): boolean =>
        (type === Type.ANY ? false : present !== type) || (isApex && (present === Type.SOA || present === Type.NS));
      for (const [key, { record }] of entries) if (!kept(record.type)) entries.delete(key);
    } else {
      const isLastNs = isApex && type === Type.NS && [...entries.values()].filter(({ record }) => record.type === Type.NS).length === 1;
      if (type !== Type.SOA && !isLastNs) entries.delete(dataKey(update));
    }
  }
  const removed: ZoneRecord[] = [];
  const added: LeasedRecord[] = [];
  for (const [name, { entries, ttls }] of touched) {
    const before = content.byData(name);
    for (const [key, { record }] of before) if (!entries.has(key)) removed.push(record);
    for (const [key, entry] of entries) {
      const { record } = entry;
      // a TTL holds for the whole RRset (RFC 2181 section 5.2)
      const ttl = ttls.get(record.type) ?? record.ttl;
      if (record.ttl !== ttl) added.push({ ...entry, record: { ...record, ttl } });
      else if (before.get(key) !== entry) added.push(entry);
    }
  }
  return { remove: removed, add: added };
}

/** What updates make of a name: its records, and the TTL of each type to which some were added. */
interface Touched {
  readonly entries: ByData;
  readonly ttls: Map<number, number>;
  /** Whether there is a CNAME, as far as that is known. */
  isAlias: boolean | undefined;
}

function add(at: Touched, entry: LeasedRecord): void {
  const { entries, ttls } = at;
  const { type, ttl } = entry.record;
  at.isAlias ??= [...entries.values()].some(({ record }) => record.type === Type.CNAME);
  if (type === Type.CNAME ? entries.size > 0 && !at.isAlias : at.isAlias) return;
  const key = dataKey(entry.record);
  if (type === Type.SOA) {
    const soa = [...entries.values()].find(({ record }) => record.type === Type.SOA);
    if (!soa || !isLater(soaSerial(entry.record.rdata), soaSerial(soa.record.rdata))) return;
    entries.delete(dataKey(soa.record));
    entries.set(key, entry);
    return;
  }
  const known = entries.get(key);
  // what is to stay for ever does so, whoever adds it again for a time: others count on it
  const fresh: LeasedRecord = known && known.expires === undefined ? { record: entry.record } : entry;
  if (known && known.expires === fresh.expires && (ttls.get(type) ?? known.record.ttl) === ttl) return;
  const isSingle = type === Type.CNAME || type === Type.DNAME;
  if (isSingle) for (const [other, { record }] of entries) if (record.type === type) entries.delete(other);
  entries.delete(key);
  entries.set(key, fresh);
  ttls.set(type, ttl);
  if (type === Type.CNAME) at.isAlias = true;
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
