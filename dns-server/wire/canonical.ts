import { Type } from "./constants.ts";

/** The canonical form of record data (RFC 4034 section 6.2, 6840 section 5.1), by which records are signed and compared. */

/** Types whose names in record data are lower-cased, with the octets before the names and how many there are; NAPTR apart. */
const NAMES = new Map<number, readonly [skip: number, names: number]>([
  [Type.NS, [0, 1]],
  [3 /* MD */, [0, 1]],
  [4 /* MF */, [0, 1]],
  [Type.CNAME, [0, 1]],
  [Type.SOA, [0, 2]],
  [Type.MB, [0, 1]],
  [Type.MG, [0, 1]],
  [Type.MR, [0, 1]],
  [Type.PTR, [0, 1]],
  [Type.MINFO, [0, 2]],
  [Type.MX, [2, 1]],
  [Type.RP, [0, 2]],
  [Type.AFSDB, [2, 1]],
  [Type.RT, [2, 1]],
  [Type.PX, [2, 2]],
  [Type.SRV, [6, 1]],
  [Type.KX, [2, 1]],
  [Type.DNAME, [0, 1]],
]);

/**
 * Where the names of record data lie that are lower-cased here, and that others may send compressed (RFC 3597 section 4): octets before
 * the first, and how many there are.
 */
export const namesIn = (type: number, rdata: Uint8Array): readonly [skip: number, names: number] | undefined =>
  type === Type.NAPTR ? [naptrNameAt(rdata), 1] : NAMES.get(type);

/** Record data with its names in lower case; the same octets where there is nothing to change. */
export function canonicalRdata(type: number, rdata: Uint8Array): Uint8Array {
  const layout = namesIn(type, rdata);
  if (!layout) return rdata;
  let folded: Uint8Array | undefined;
  let [at, names] = layout;
  for (; names > 0; names--) {
    // length octets are below the letters; data of a type that is opaque here may end anywhere
    for (let size = rdata[at] ?? 0; size !== 0; size = rdata[at] ?? 0) {
      for (let i = at + 1; i <= at + size && i < rdata.length; i++) {
        const octet = rdata[i]!;
        if (octet >= 0x41 && octet <= 0x5a) (folded ??= Uint8Array.from(rdata))[i] = octet | 0x20;
      }
      at += 1 + size;
    }
    at++;
  }
  return folded ?? rdata;
}

/** Order and preference, then three character strings, then the name. */
function naptrNameAt(rdata: Uint8Array): number {
  let at = 4;
  for (let texts = 0; texts < 3; texts++) at += 1 + (rdata[at] ?? 0);
  return at;
}

/** Whether two records of a type have the same data: octet by octet, but for the case of names (RFC 2136 section 1.1). */
export function isSameRdata(type: number, a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (Buffer.compare(a, b) === 0) return true;
  const hasNames = NAMES.has(type) || type === Type.NAPTR;
  return hasNames && Buffer.compare(canonicalRdata(type, a), canonicalRdata(type, b)) === 0;
}

/** A text that is the same for the same data of a type. */
export function rdataKey(type: number, rdata: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = canonicalRdata(type, rdata);
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
