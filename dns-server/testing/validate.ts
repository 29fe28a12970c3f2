import { createPublicKey, verify } from "node:crypto";
import { canonicalRecords } from "../dnssec/canonical.ts";
import { Type } from "../wire/constants.ts";
import { foldName, readName, type Name } from "../wire/name.ts";
import { expandRdata } from "../wire/rdata.ts";
import type { RRset } from "../zone/node.ts";

/** One RRset of a message; owner folded. */
export interface ReadRRset extends RRset {
  readonly owner: Name;
}

/** The RRsets of the answer, authority and additional section, without OPT. RRSIG records are a set for each type that they cover. */
export function readRRsets(message: Buffer): [answer: ReadRRset[], authority: ReadRRset[], additional: ReadRRset[]] {
  let at = message.readUInt16BE(4) === 0 ? 12 : readName(message, 12)!.end + 4;
  const section = (countAt: number): ReadRRset[] => {
    const sets = new Map<string, ReadRRset & { rdatas: Uint8Array[] }>();
    for (let left = message.readUInt16BE(countAt); left > 0; left--) {
      const { name, end } = readName(message, at)!;
      const type = message.readUInt16BE(end);
      at = end + 10 + message.readUInt16BE(end + 8);
      if (type === Type.OPT) continue;
      const rdata = expandRdata(message, type, end + 10, at)!;
      const owner = foldName(name);
      const key = `${owner} ${type} ${type === Type.RRSIG ? coveredType(rdata) : ""}`;
      const set = sets.get(key) ?? { owner, type, ttl: message.readUInt32BE(end + 4), rdatas: [] };
      sets.set(key, set);
      set.rdatas.push(rdata);
    }
    return [...sets.values()];
  };
  return [section(6), section(8), section(10)];
}

export const coveredType = (rrsig: Uint8Array): number => (rrsig[0]! << 8) | rrsig[1]!;

/** A public key as node:crypto has it, of DNSKEY data for ECDSA P-256. */
function publicKeyOf(dnskey: Uint8Array) {
  const coordinate = (from: number): string => Buffer.from(dnskey.subarray(from, from + 32)).toString("base64url");
  return createPublicKey({ format: "jwk", key: { kty: "EC", crv: "P-256", x: coordinate(4), y: coordinate(36) } });
}

/**
 * Checks an RRSIG record over an RRset as a validator does (RFC 4035 section 5.3), with any of the keys.
 * @param now seconds since 1970
 * @returns what is wrong; nothing when it holds
 */
export function validate(set: ReadRRset, rrsig: Uint8Array, dnskeys: readonly Uint8Array[], zone: Name, now: number): string | undefined {
  const view = new DataView(rrsig.buffer, rrsig.byteOffset, rrsig.byteLength);
  const signer = readName(rrsig, 18);
  if (!signer || signer.name !== zone) return "the signer's name is not the zone's";
  if (view.getUint16(0) !== set.type) return "another type is covered";
  const ttl = view.getUint32(4);
  if (set.ttl > ttl) return "the TTL is larger than the original one";
  if (now < view.getUint32(12) || now > view.getUint32(8)) return "it does not hold at this time";
  // the owner as the signature has it: below the labels that it counts a wildcard
  const labels: string[] = [];
  for (let rest: string = set.owner; rest.length > 1; rest = rest.slice(1 + rest.charCodeAt(0))) labels.push(rest.slice(0, 1 + rest.charCodeAt(0)));
  const counted = view.getUint8(3);
  const isWildcard = labels[0] === "\x01*";
  if (counted > labels.length - (isWildcard ? 1 : 0)) return "it counts more labels than the owner has";
  const owner = (counted < labels.length ? `\x01*${labels.slice(labels.length - counted).join("")}\0` : set.owner) as Name;
  const signed = Buffer.concat([rrsig.subarray(0, signer.end), canonicalRecords(owner, { ...set, ttl })]);
  const holds = dnskeys.some((dnskey) =>
    verify("sha256", signed, { key: publicKeyOf(dnskey), dsaEncoding: "ieee-p1363" }, rrsig.subarray(signer.end)),
  );
  return holds ? undefined : "the signature does not fit";
}

/** The types of NSEC data, and its next name. */
export function readNsec(rdata: Uint8Array): { next: Name; types: Set<number> } {
  const { name, end } = readName(rdata, 0)!;
  const types = new Set<number>();
  for (let at = end; at < rdata.length; at += 2 + rdata[at + 1]!) {
    for (let bit = 0; bit < 8 * rdata[at + 1]!; bit++) if (rdata[at + 2 + (bit >> 3)]! & (0x80 >> (bit & 7))) types.add((rdata[at]! << 8) | bit);
  }
  return { next: name, types };
}
