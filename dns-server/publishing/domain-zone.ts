import type { Domain, Target } from "../model/domain.ts";
import { nameBelow } from "../model/names.ts";
import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, nameBytes, type Name } from "../wire/name.ts";
import { parseSvcParams } from "../wire/svcb.ts";
import { addressRecord, type NameServer } from "../zone/name-server.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { changeZone, makeZone, type Zone } from "../zone/zone.ts";

export interface ZoneSettings {
  readonly nameServers: readonly NameServer[];
  /** How long an absence may be remembered, seconds. */
  readonly negativeTtl: number;
  /** TTL of the NS records; the parent's delegation should have the same. */
  readonly delegationTtl: number;
  /** Addresses in one answer at most. */
  readonly maxAnswers: number;
}

/** A domain as it is to be answered now. */
export interface Published extends Pick<Domain, "name" | "origin" | "alias" | "onlyTop"> {
  /** Given for the name. */
  readonly chosen: readonly Target[];
  /** Given for names of their own below it. */
  readonly named: readonly Target[];
  readonly ttl: number;
}

/** HTTP over TLS is expected at this port (RFC 9460 section 9.1). */
const HTTPS_PORT = 443;

/** What a zone was made of: where a new one is not much different, most of the old is used again. */
export interface MadeZone {
  readonly zone: Zone;
  /** Names that are not targets' own. */
  readonly common: ReadonlySet<Name>;
  /** Names of targets. */
  readonly own: ReadonlyMap<Name, { readonly target: Target; readonly ttl: number }>;
}

/**
 * The zone of one origin: SOA and NS at its apex, what its domains lead to, and cuts to the zones below.
 * @param below origins below this one that are served here too
 * @param before the same origin's zone until now
 */
export function domainZone(
  origin: Name,
  domains: readonly Published[],
  below: readonly Name[],
  settings: ZoneSettings,
  serial: number,
  before: MadeZone | undefined,
): MadeZone {
  const { maxAnswers } = settings;
  const records = new Map<Name, ZoneRecord[]>();
  const add = (record: ZoneRecord): void => {
    const name = foldName(record.name);
    const known = records.get(name);
    if (known) known.push(record);
    else records.set(name, [record]);
  };
  for (const record of zoneRecords(origin, below, settings, serial)) add(record);
  for (const published of domains) for (const record of domainRecords(published)) add(record);
  const common = new Set(records.keys());

  const own = new Map(domains.flatMap(ownNames));
  const changed = before && new Map([...before.common].filter((name) => !common.has(name)).map((name): [Name, ZoneRecord[]] => [name, []]));
  for (const name of before?.own.keys() ?? []) if (!own.has(name) && !common.has(name)) changed?.set(name, []);
  for (const [name, { target, ttl }] of own) {
    const old = before?.own.get(name);
    // most targets of a large domain are as they were
    const isSame = old?.target === target && old.ttl === ttl && !common.has(name) && !before?.common.has(name);
    if (!isSame) for (const record of targetRecords(name, target, ttl)) add(record);
  }
  if (!before || !changed) return { zone: makeZone(origin, [...records.values()].flat(), maxAnswers), common, own };
  for (const [name, list] of records) changed.set(name, list);
  return { zone: changeZone(before.zone, changed, maxAnswers), common, own };
}

/** SOA, NS, glue and cuts. */
function zoneRecords(origin: Name, below: readonly Name[], settings: ZoneSettings, serial: number): ZoneRecord[] {
  const { nameServers, negativeTtl, delegationTtl } = settings;
  const soa = soaData(nameServers[0]?.name ?? origin, origin, serial, negativeTtl);
  const records: ZoneRecord[] = [{ name: origin, type: Type.SOA, ttl: negativeTtl, rdata: soa }];
  for (const { name, addresses } of nameServers) {
    for (const cut of [origin, ...below]) records.push({ name: cut, type: Type.NS, ttl: delegationTtl, rdata: nameBytes(name) });
    if (isSubdomain(foldName(name), origin)) for (const address of addresses) records.push(addressRecord(name, delegationTtl, address));
  }
  return records;
}

/** All records of a domain but those of its targets' own names. */
function domainRecords(published: Published): ZoneRecord[] {
  const { name, origin, alias, chosen, ttl } = published;
  if (alias !== undefined) return [{ name, type: Type.CNAME, ttl, rdata: nameBytes(alias) }];
  const records = [...chosen.flatMap((target) => targetRecords(name, target, ttl)), ...httpsRecords(name, chosen, ttl)];
  // below a wildcard there is no place for names: each would take a name from it
  return name === origin ? [...records, ...serviceRecords(published)] : records;
}

function ownNames({ name, origin, alias, onlyTop, named, ttl }: Published): [Name, { target: Target; ttl: number }][] {
  if (onlyTop || alias !== undefined || name !== origin) return [];
  return named.flatMap((target): [Name, { target: Target; ttl: number }][] => {
    const own = ownName(target, name);
    return own === undefined ? [] : [[own, { target, ttl }]];
  });
}

const ownName = ({ label }: Target, domain: Name): Name | undefined => (label === undefined ? undefined : nameBelow([label], domain));

function targetRecords(name: Name, { ipv6, ipv4 }: Target, ttl: number): ZoneRecord[] {
  return [...(ipv6 ? [{ name, type: Type.AAAA, ttl, rdata: ipv6 }] : []), ...(ipv4 ? [{ name, type: Type.A, ttl, rdata: ipv4 }] : [])];
}

/** SRV records of named ports (RFC 2782): each leads to a target by its own name, or to the domain where targets have none. */
function serviceRecords({ name, onlyTop, chosen, ttl }: Published): ZoneRecord[] {
  return chosen.flatMap((target) =>
    target.ports.flatMap(({ name: service, port, protocol }): ZoneRecord[] => {
      const owner = service === undefined ? undefined : nameBelow([`_${service}`, `_${protocol.toLowerCase()}`], name);
      if (owner === undefined) return [];
      const host = (onlyTop ? undefined : ownName(target, name)) ?? name;
      const numbers = Buffer.alloc(6);
      numbers.writeUInt16BE(port, 4);
      return [{ name: owner, type: Type.SRV, ttl, rdata: Buffer.concat([numbers, nameBytes(host)]) }];
    }),
  );
}

/**
 * An HTTPS record (RFC 9460) where all targets have TLS at the same port: one named `https`. It tells clients to use TLS, so no other name
 * will do.
 */
function httpsRecords(name: Name, chosen: readonly Target[], ttl: number): ZoneRecord[] {
  const ports = new Set(chosen.map(({ ports: all }) => all.find((port) => port.name === "https" && port.protocol === "TCP")?.port));
  const [port] = ports;
  if (ports.size !== 1 || port === undefined) return [];
  const params = parseSvcParams(port === HTTPS_PORT ? [] : [`port=${port}`]);
  // priority 1, and the owner itself as the target
  return [{ name, type: Type.HTTPS, ttl, rdata: Buffer.concat([Uint8Array.of(0, 1, 0), params]) }];
}

/** SOA data whose timers hardly matter (the zone is never transferred) but for MINIMUM. */
function soaData(primary: Name, origin: Name, serial: number, minimum: number): Uint8Array {
  const timers = Buffer.alloc(20);
  [serial, 3600, 600, 86_400, minimum].forEach((value, i) => timers.writeUInt32BE(value >>> 0, 4 * i));
  return Buffer.concat([nameBytes(primary), nameBytes(nameBelow(["hostmaster"], origin) ?? origin), timers]);
}
