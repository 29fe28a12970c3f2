import { typeName } from "../wire/constants.ts";
import { formatName, type Name } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";

/** A place in a master file. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What is wrong with a zone, and where. An error makes the zone unusable, a warning does not. */
export interface ZoneFault {
  readonly severity: "error" | "warning";
  readonly place: Place | undefined;
  readonly message: string;
  /** The name that an error is about, folded, where it is about one. */
  readonly name?: Name;
}

/** One record of class IN. `rdata` is uncompressed wire form. */
export interface ZoneRecord {
  readonly name: Name;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly rdata: Uint8Array;
  /** Where it was written; absent for records that were made by the program. */
  readonly place?: Place;
}

/** `FILE:LINE: error: message` */
export function formatFault(fault: ZoneFault): string {
  const place = fault.place ? `${fault.place.file}:${fault.place.line}: ` : "";
  return `${place}${fault.severity}: ${fault.message}`;
}

/** A record as a line of a master file has it. */
export const formatRecord = ({ name, ttl, type, rdata }: ZoneRecord): string =>
  `${formatName(name)} ${ttl} IN ${typeName(type)} ${formatRdata(type, rdata)}`;
