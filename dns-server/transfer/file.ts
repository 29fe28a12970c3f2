import { stat, utimes } from "node:fs/promises";
import { replaceFile } from "../runtime/atomic-file.ts";
import { soaOf, recordsOf } from "../zone/content.ts";
import { loadZone, readZoneFile } from "../zone/load.ts";
import { formatRecord } from "../zone/record.ts";
import type { Zone } from "../zone/zone.ts";

/** The last version of a transferred zone, kept as a master file. When it was last known to be current is the file's modification time. */

/** Octets that are written at once. */
const CHUNK = 1 << 16;

/** Puts a zone in place of what the file has. */
export const saveZone = (file: string, zone: Zone): Promise<void> => replaceFile(file, textOf(zone));

function* textOf(zone: Zone): Generator<string> {
  let text = `${formatRecord(soaOf(zone))}\n`;
  for (const record of recordsOf(zone)) {
    text += `${formatRecord(record)}\n`;
    if (text.length < CHUNK) continue;
    yield text;
    text = "";
  }
  yield text;
}

/** Notes that the zone in the file is current now. */
export const touchZone = (file: string): Promise<void> => utimes(file, new Date(), new Date());

/** @returns undefined when there is no such file yet @throws UserError when there is no usable zone in it */
export async function readSavedZone(file: string, origin: Zone["origin"]): Promise<{ zone: Zone; savedAt: number } | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found && { zone: loadZone(origin, readZoneFile(file)).zone, savedAt: found.mtimeMs };
}
