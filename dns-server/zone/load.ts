import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "../runtime/errors.ts";
import { formatName, type Name } from "../wire/name.ts";
import { checkRecords } from "./check.ts";
import { parseMasterFile } from "./master-file.ts";
import { formatFault, type ZoneRecord, type ZoneFault } from "./record.ts";
import { makeZone, type Zone } from "./zone.ts";

/** A usable zone, and what is still odd about it. */
export interface LoadedZone {
  readonly zone: Zone;
  /** What it was made of. */
  readonly records: readonly ZoneRecord[];
  readonly warnings: readonly ZoneFault[];
}

/** Where a zone is written. */
export interface ZoneText {
  readonly text: string;
  /** Path, or another name for messages. */
  readonly file: string;
  /** Whether `$INCLUDE` may read other files, with paths relative to the file it stands in; default no. */
  readonly include?: boolean;
}

/**
 * Reads a zone from master-file text, and from records that the program adds (delegations).
 * @throws UserError that lists every error with its file and line
 */
export function loadZone(origin: Name, { text, file, include = false }: ZoneText, added: readonly ZoneRecord[] = []): LoadedZone {
  const { records, faults } = parseMasterFile(text, { file, origin, ...(include ? { include: readIncluded } : {}) });
  const all = [...records, ...added];
  faults.push(...checkRecords(origin, all, { file, line: 1 }));
  const errors = faults.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new UserError(`zone ${formatName(origin)} is not usable:\n${errors.map(formatFault).join("\n")}`);
  return { zone: makeZone(origin, all), records: all, warnings: faults };
}

/** @throws UserError when the file cannot be read */
export function readZoneFile(file: string, include = false): ZoneText {
  let octets: Buffer;
  try {
    octets = readFileSync(file);
  } catch (error) {
    throw new UserError(`cannot read the zone: ${(error as Error).message}`);
  }
  return { text: decode(octets, file), file, include };
}

/** The text of a master file. @throws UserError that names the line which is not UTF-8 */
function decode(octets: Buffer, file: string): string {
  // a mark of the byte order, with which some editors begin a file, is left out
  if (isUtf8(octets)) return new TextDecoder().decode(octets);
  let [line, at] = [1, 0];
  for (let end = octets.indexOf(10); end >= 0 && isUtf8(octets.subarray(at, end)); end = octets.indexOf(10, at)) {
    line++;
    at = end + 1;
  }
  throw new UserError(`${file}:${line}: error: this is not UTF-8; octets beyond ASCII are written \\DDD`);
}

function readIncluded(path: string, from: string): ZoneText {
  return readZoneFile(resolve(dirname(from), path));
}
