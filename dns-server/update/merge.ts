import { Type } from "../wire/constants.ts";
import { foldName, formatName, parentName, type Name } from "../wire/name.ts";
import { isLater } from "../wire/serial.ts";
import { soaSerial } from "../wire/soa.ts";
import { checkRecords } from "../zone/check.ts";
import { formatRecord, type ZoneRecord, type ZoneFault } from "../zone/record.ts";
import { Content, type Change, type LeasedRecord } from "./content.ts";
import { isOf, type Grant } from "./grants.ts";

/**
 * A zone as its records and its journal make it. The records may have been edited since: where what updates did to a name does not go with
 * them any more, they win, and a fault says what was left out.
 * @param base checked records
 * @param shared names that the operator delegates to clusters, and that others may join
 * @returns `leftOut`: by name, what the journal makes and is not served
 */
export function applyJournal(
  origin: Name,
  base: readonly ZoneRecord[],
  changes: readonly Change[],
  grants: readonly Grant[],
  shared: ReadonlySet<Name> = new Set(),
): { content: Content; faults: ZoneFault[]; leftOut: Map<Name, ZoneRecord[]> } {
  const content = new Content(base);
  for (const change of changes) content.apply(change);
  keepLatestSoa(content, origin);
  const leftOut = new Map<Name, ZoneRecord[]>();
  const faults = [...dropDelegations(content, base, grants, shared, leftOut), ...dropBroken(content, origin, base, leftOut)];
  return { content, faults, leftOut };
}

/** The records may have another SOA than when the journal was written: the later serial counts. */
function keepLatestSoa(content: Content, origin: Name): void {
  const soas = content.at(origin).flatMap(({ record }) => (record.type === Type.SOA ? record : []));
  const latest = soas.reduce((a, b) => (isLater(soaSerial(b.rdata), soaSerial(a.rdata)) ? b : a));
  content.apply({ remove: soas.filter((soa) => soa !== latest), add: [] });
}

/** Leaves out delegations that clusters registered, of names at or below which there now are records that are not theirs. */
function dropDelegations(
  content: Content,
  base: readonly ZoneRecord[],
  grants: readonly Grant[],
  shared: ReadonlySet<Name>,
  leftOut: Map<Name, ZoneRecord[]>,
): ZoneFault[] {
  const servers = new Set(grants.flatMap(({ delegateTo }) => delegateTo));
  const leased = [...content.entries()].filter(({ record, expires }) => record.type === Type.NS && expires !== undefined && isOf(servers, record));
  if (leased.length === 0) return [];
  const taken = new Set<Name>();
  const find = content.finder();
  for (const record of base) {
    // what an update took away is nobody's
    if (!find(record)) continue;
    if (record.type === Type.NS ? shared.has(foldName(record.name)) : isOf(servers, record)) continue;
    for (let at = foldName(record.name); !taken.has(at) && at.length > 1; at = parentName(at)) taken.add(at);
  }
  const dropped = leased.filter(({ record }) => taken.has(foldName(record.name)));
  drop(content, dropped, [], leftOut);
  return dropped.map((entry) => faultOf(entry, "the name is the zone's own now"));
}

/** Takes a name back to what the records say of it where it cannot be served otherwise. */
function dropBroken(content: Content, origin: Name, base: readonly ZoneRecord[], leftOut: Map<Name, ZoneRecord[]>): ZoneFault[] {
  const before = new Content(base);
  const broken = new Set(
    checkRecords(origin, [...content.records()]).flatMap(({ severity, name }) => (severity === "error" && name !== undefined ? name : [])),
  );
  const faults: ZoneFault[] = [];
  const find = before.finder();
  for (const name of broken) {
    const isKept = ({ record }: LeasedRecord): boolean =>
      record.type === Type.SOA || find(record) !== undefined;
    const dropped = content.at(name).filter((entry) => !isKept(entry));
    const soa = content.at(name).find(({ record }) => record.type === Type.SOA);
    const add = before.at(name).filter(({ record }) => !soa || record.type !== Type.SOA);
    leftOut.set(name, leftOut.get(name) ?? []);
    drop(content, dropped, add, leftOut);
    faults.push(...dropped.map((entry) => faultOf(entry, "it does not go with the zone's records as they are now")));
    if (dropped.length === 0)
      faults.push({ severity: "warning", place: undefined, message: `what updates took from ${formatName(name)} is there again: the zone needs it` });
  }
  return faults;
}

function drop(content: Content, dropped: readonly LeasedRecord[], add: readonly LeasedRecord[], leftOut: Map<Name, ZoneRecord[]>): void {
  content.apply({ remove: dropped.map(({ record }) => record), add });
  for (const { record } of dropped) leftOut.set(foldName(record.name), [...(leftOut.get(foldName(record.name)) ?? []), record]);
}

const faultOf = ({ record }: LeasedRecord, why: string): ZoneFault => ({
  severity: "warning",
  place: undefined,
  message: `${formatRecord(record)}, which an update made, is left out: ${why}`,
});
