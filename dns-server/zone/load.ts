import { readFileSync } from 'node:fs';
import { UserError } from '../errors.ts';
import { formatName, type Name } from '../wire/name.ts';
import { checkRecords } from './check.ts';
import { parseMasterFile } from './master-file.ts';
import { formatFault, type Fault, type ZoneRecord } from './record.ts';
import { makeZone, type Zone } from './zone.ts';

/**
 * Reads a zone from master-file text, and from records that the program adds (delegations).
 * @throws UserError that lists every error with its file and line
 */
export function loadZone(
  origin: Name, text: string, file: string, added: readonly ZoneRecord[] = [],
): { zone: Zone; warnings: Fault[] } {
  const { records, faults } = parseMasterFile(text, { file, origin });
  const all = [...records, ...added];
  faults.push(...checkRecords(origin, all));
  const errors = faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new UserError(`zone ${formatName(origin)} is not usable:\n${errors.map(formatFault).join('\n')}`);
  return { zone: makeZone(origin, all), warnings: faults };
}

/** @throws UserError when the file cannot be read */
export function readZoneFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the zone: ${(error as Error).message}`);
  }
}
