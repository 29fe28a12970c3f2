import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, nameBytes, parseName, type Name } from "../wire/name.ts";
import { isIPv6 } from "node:net";
import type { ZoneRecord } from "../zone/record.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import { isDomain, sameEndpoint, type Endpoint } from "./pods.ts";

/** A name server that a delegation names, and its addresses. */
export interface NameServer {
  readonly name: Name;
  readonly addresses: readonly string[];
}

export interface DomainSettings {
  /** The zone that the domains are names of. */
  readonly zone: Name;
  /** Domains that are served also while no pod has them: what the parent delegates here for good. */
  readonly domains: readonly string[];
  readonly nameServers: readonly NameServer[];
  /** TTL of pod addresses, seconds. */
  readonly ttl: number;
  /** How long an absence may be remembered, seconds. */
  readonly negativeTtl: number;
  /** TTL of the NS records; the parent's delegation should have the same. */
  readonly delegationTtl: number;
  /** Addresses in one answer at most. */
  readonly maxAnswers: number;
}

/**
 * The pods of a cluster by domain, and the zone of each domain. Each domain is a zone of its own, since the parent delegates it: its
 * negative
 * answers carry its own SOA. A change rebuilds the zones it touches and no other.
 */
export class Domains {
  private readonly settings: DomainSettings;
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly byDomain = new Map<string, Map<string, Endpoint>>();
  private readonly dirty: Set<string>;
  private zones: ReadonlyMap<Name, Zone> = new Map();

  constructor(settings: DomainSettings) {
    this.settings = settings;
    this.dirty = new Set(settings.domains);
  }

  /**
   * Takes a new reading of a pod: its endpoint, or undefined when it is gone or has no domain.
   * @returns whether an answer may have changed
   */
  update(pod: string, endpoint: Endpoint | undefined): boolean {
    const old = this.endpoints.get(pod);
    const valid = endpoint && isDomain(endpoint.domain) ? endpoint : undefined;
    if (old === valid || (old && valid && sameEndpoint(old, valid))) return false;
    if (old) {
      const members = this.byDomain.get(old.domain);
      members?.delete(pod);
      if (members?.size === 0) this.byDomain.delete(old.domain);
      this.endpoints.delete(pod);
      this.dirty.add(old.domain);
    }
    if (valid) {
      const members = this.byDomain.get(valid.domain) ?? new Map<string, Endpoint>();
      this.byDomain.set(valid.domain, members.set(pod, valid));
      this.endpoints.set(pod, valid);
      this.dirty.add(valid.domain);
    }
    return true;
  }

  /** Pods in and out of the answers. */
  counts(): { ready: number; notReady: number } {
    let ready = 0;
    for (const endpoint of this.endpoints.values()) if (endpoint.ready) ready++;
    return { ready, notReady: this.endpoints.size - ready };
  }

  /**
   * The zones as they now are, by folded origin.
   * @param serial SOA serial of the zones that changed since the last call
   */
  build(serial: number): ReadonlyMap<Name, Zone> {
    if (this.dirty.size === 0) return this.zones;
    const zones = new Map(this.zones);
    for (const domain of this.dirty) {
      const origin = foldName(parseName(domain, this.settings.zone));
      const members = this.byDomain.get(domain);
      if (members || this.settings.domains.includes(domain))
        zones.set(origin, domainZone(origin, members?.values() ?? [], this.settings, serial));
      else zones.delete(origin);
    }
    this.dirty.clear();
    return (this.zones = zones);
  }
}

/** The zone of one domain: SOA and NS at its apex, with the addresses of its ready endpoints. */
export function domainZone(origin: Name, endpoints: Iterable<Endpoint>, settings: DomainSettings, serial: number): Zone {
  const { nameServers, ttl, negativeTtl, delegationTtl, maxAnswers } = settings;
  const records: ZoneRecord[] = [
    { name: origin, type: Type.SOA, ttl: negativeTtl, rdata: soaData(nameServers[0]?.name ?? origin, origin, serial, negativeTtl) },
  ];
  for (const { name, addresses } of nameServers) {
    records.push({ name: origin, type: Type.NS, ttl: delegationTtl, rdata: nameBytes(name) });
    if (isSubdomain(foldName(name), origin)) for (const address of addresses) records.push(addressRecord(name, delegationTtl, address));
  }
  for (const { ready, ipv6, ipv4 } of endpoints) {
    if (!ready) continue;
    if (ipv6) records.push({ name: origin, type: Type.AAAA, ttl, rdata: ipv6 });
    if (ipv4) records.push({ name: origin, type: Type.A, ttl, rdata: ipv4 });
  }
  return makeZone(origin, records, maxAnswers);
}

export const addressRecord = (name: Name, ttl: number, address: string): ZoneRecord =>
  isIPv6(address) ? { name, type: Type.AAAA, ttl, rdata: parseIpv6(address) } : { name, type: Type.A, ttl, rdata: parseIpv4(address) };

/** SOA data whose timers hardly matter (the zone is never transferred) but for MINIMUM. */
function soaData(primary: Name, origin: Name, serial: number, minimum: number): Uint8Array {
  const timers = Buffer.alloc(20);
  [serial, 3600, 600, 86_400, minimum].forEach((value, i) => timers.writeUInt32BE(value >>> 0, 4 * i));
  return Buffer.concat([nameBytes(primary), nameBytes(parseName("hostmaster", origin)), timers]);
}
