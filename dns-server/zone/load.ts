import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "../errors.ts";
import { formatName, type Name } from "../wire/name.ts";
import { checkRecords } from "./check.ts";
import { parseMasterFile } from "./master-file.ts";
import { formatFault, type Fault, type ZoneRecord } from "./record.ts";
import { makeZone, type Zone } from "./zone.ts";

/** A usable zone, and what is still odd about it. */
export interface LoadedZone {
  readonly zone: Zone;
  /** What it was made of. */
  readonly records: readonly ZoneRecord[];
  readonly warnings: readonly Fault[];
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
  faults.push(...checkRecords(origin, all));
  const errors = faults.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new UserError(`zone ${formatName(origin)} is not usable:\n${errors.map(formatFault).join("\n")}`);
  return { zone: makeZone(origin, all), records: all, warnings: faults };
}

/** @throws UserError when the file cannot be read */
export function readZoneFile(file: string, include = false): ZoneText {
  try {
    return { text: readFileSync(file, "utf8"), file, include };
  } catch (error) {
    throw new UserError(`cannot read the zone: ${(error as Error).message}`);
  }
}

function readIncluded(path: string, from: string): ZoneText {
  return readZoneFile(resolve(dirname(from), path));
}
