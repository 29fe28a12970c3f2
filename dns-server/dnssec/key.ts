import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { UserError } from "../runtime/errors.ts";
import { Type, typeName } from "../wire/constants.ts";
import { formatName, nameBytes, type Name } from "../wire/name.ts";
import { formatRdata } from "../wire/rdata.ts";
import type { ZoneRecord } from "../zone/record.ts";

/** ECDSA with curve P-256 and SHA-256 (RFC 6605): short signatures, made fast, and understood by every validator. */
export const ALGORITHM = 13;
const DIGEST_SHA256 = 2;
/** Zone key and secure entry point: one key signs the DNSKEY RRset and everything else. */
const FLAGS = 257;
const PROTOCOL = 3;
/** TTL of what tells of the keys, seconds. */
export const KEY_TTL = 3600;

/** A key that signs a zone. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** Data of its DNSKEY record. */
  readonly dnskey: Uint8Array;
  readonly tag: number;
}

/** A key of a P-256 private key. @throws Error when it is none */
export function signingKey(privateKey: KeyObject): SigningKey {
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw new Error("it is no private key on the curve P-256");
  const { x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const head = Buffer.from([FLAGS >> 8, FLAGS & 255, PROTOCOL, ALGORITHM]);
  const dnskey = Buffer.concat([head, Buffer.from(x!, "base64url"), Buffer.from(y!, "base64url")]);
  return { privateKey, dnskey, tag: keyTag(dnskey) };
}

export const newKey = (): SigningKey => signingKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);

/** Key tag of DNSKEY data (RFC 4034 appendix B). */
export function keyTag(dnskey: Uint8Array): number {
  let sum = 0;
  dnskey.forEach((octet, index) => (sum += index & 1 ? octet : octet << 8));
  return (sum + (sum >>> 16)) & 0xffff;
}

/** Data of the DS record that a parent zone vouches for a key with (RFC 4509). @param zone folded */
export function dsRdata(zone: Name, { dnskey, tag }: SigningKey): Uint8Array {
  const digest = createHash("sha256").update(nameBytes(zone)).update(dnskey).digest();
  return Buffer.concat([Buffer.from([tag >> 8, tag & 255, ALGORITHM, DIGEST_SHA256]), digest]);
}

/**
 * The records at the apex that tell of a zone's keys: DNSKEY, and CDS and CDNSKEY for the parent (RFC 7344).
 * @param withdraw asks the parent to remove the DS records instead (RFC 8078 section 4)
 */
export function keyRecords(zone: Name, keys: readonly SigningKey[], withdraw: boolean): ZoneRecord[] {
  const record = (type: number, rdata: Uint8Array): ZoneRecord => ({ name: zone, type, ttl: KEY_TTL, rdata });
  const dnskeys = keys.map(({ dnskey }) => record(Type.DNSKEY, dnskey));
  if (withdraw) {
    return [...dnskeys, record(Type.CDS, Buffer.from([0, 0, 0, 0, 0])), record(Type.CDNSKEY, Buffer.from([0, 0, PROTOCOL, 0, 0]))];
  }
  const requests = keys.flatMap((key) => [record(Type.CDS, dsRdata(zone, key)), record(Type.CDNSKEY, key.dnskey)]);
  return [...dnskeys, ...requests];
}

/** The records that a parent or a validator needs of a key, in presentation form. */
export const describeKey = (zone: Name, key: SigningKey): string =>
  [
    [Type.DNSKEY, key.dnskey] as const,
    [Type.DS, dsRdata(zone, key)] as const,
  ]
    .map(([type, rdata]) => `${formatName(zone)} ${KEY_TTL} IN ${typeName(type)} ${formatRdata(type, rdata)}\n`)
    .join("");

/**
 * Writes a key file: the private key in PEM, under its public records as comments. Only its owner may read it.
 * @throws UserError when the file is there already, or cannot be written
 */
export function writeKeyFile(file: string, zone: Name, key: SigningKey): void {
  const comments = describeKey(zone, key).replaceAll(/^/gm, "; ").replace(/; $/, "");
  try {
    writeFileSync(file, comments + key.privateKey.export({ format: "pem", type: "pkcs8" }).toString(), { flag: "wx", mode: 0o600 });
  } catch (error) {
    throw new UserError(`cannot write the key: ${(error as Error).message}`);
  }
}

/** @throws UserError when the file cannot be read or has no usable key */
export function readKeyFile(file: string): SigningKey {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`cannot read the key: ${(error as Error).message}`);
  }
  try {
    return signingKey(createPrivateKey(text));
  } catch (error) {
    throw new UserError(`${file} has no usable key: ${(error as Error).message}; \`peakdns keygen dnssec\` makes one`);
  }
}
