import { Type } from "../wire/constants.ts";
import { soaSerial } from "../wire/soa.ts";
import type { ZoneRecord } from "./record.ts";
import type { Zone } from "./zone.ts";

/** A zone as the records that it was made of. */

/** The SOA record of a zone. */
export const soaOf = ({ soa: { owner, rrset } }: Zone): ZoneRecord => ({
  name: owner,
  type: Type.SOA,
  ttl: rrset.ttl,
  rdata: rrset.rdatas[0]!,
});

export const serialOf = (zone: Zone): number => soaSerial(soaOf(zone).rdata);

/** All records of a zone but its SOA. */
export function* recordsOf(zone: Zone): Generator<ZoneRecord> {
  for (const { name, rrsets } of zone.nodes.values()) {
    for (const { type, ttl, rdatas } of rrsets.values()) {
      if (type === Type.SOA) continue;
      for (const rdata of rdatas) yield { name, type, ttl, rdata };
    }
  }
}
