import { UserError } from "../runtime/errors.ts";
import { Type, typeName } from "../wire/constants.ts";
import { formatName, type Name } from "../wire/name.ts";
import { loadZone, type LoadedZone, type ZoneText } from "../zone/load.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { readKeyFile } from "./key.ts";
import type { DnssecSettings } from "./settings.ts";
import { ZoneSigner } from "./signer.ts";

/** A zone that is perhaps signed. */
export interface ServedZone extends LoadedZone {
  readonly signer?: ZoneSigner;
}

const SIGNED_TYPES = new Set<number>([Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM]);

/**
 * Reads a zone as `loadZone` does; for one that is to be signed adds what tells of its keys.
 * @param origin folded
 * @throws UserError also for a key that cannot be used, and for a zone that is signed already
 */
export function loadServedZone(
  origin: Name,
  text: ZoneText,
  settings: DnssecSettings | undefined,
  added: readonly ZoneRecord[] = [],
): ServedZone {
  if (!settings) return loadZone(origin, text, added);
  const signer = loadSigner(origin, settings);
  const loaded = loadZone(origin, text, [...added, ...signer.records]);
  // signatures and proofs are made here; those of somebody else would be wrong
  const signed = loaded.records.find(({ type }) => SIGNED_TYPES.has(type));
  if (!signed) return { ...loaded, signer };
  const place = signed.place ? `${signed.place.file}:${signed.place.line}: ` : "";
  throw new UserError(`${place}zone ${formatName(origin)} is to be signed here, but has ${typeName(signed.type)} records: give it unsigned`);
}

/** @throws UserError for a key that cannot be used */
export function loadSigner(origin: Name, { keys: files, validity, withdraw }: DnssecSettings): ZoneSigner {
  const keys = files.map(readKeyFile);
  if (new Set(keys.map(({ tag }) => tag)).size < keys.length)
    throw new UserError(`zone ${formatName(origin)} is to be signed with two keys of the same tag: make another`);
  return new ZoneSigner({ origin, keys, validity }, withdraw);
}
