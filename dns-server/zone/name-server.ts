import { isIPv6 } from "node:net";
import { parseIpv4, parseIpv6 } from "../wire/address.ts";
import { Type } from "../wire/constants.ts";
import type { Name } from "../wire/name.ts";
import type { ZoneRecord } from "./record.ts";

/** A name server that a delegation names, and its addresses. */
export interface NameServer {
  readonly name: Name;
  readonly addresses: readonly string[];
}

/** An address as a record: AAAA or A. */
export const addressRecord = (name: Name, ttl: number, address: string): ZoneRecord =>
  isIPv6(address) ? { name, type: Type.AAAA, ttl, rdata: parseIpv6(address) } : { name, type: Type.A, ttl, rdata: parseIpv4(address) };
