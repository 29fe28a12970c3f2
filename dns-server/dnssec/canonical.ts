import { Type } from "../wire/constants.ts";
import { type Name } from "../wire/name.ts";
import type { RRset } from "../zone/zone.ts";

/** The canonical form of records that is signed (RFC 4034 section 6, 6840 section 5.1). */

/** Types whose names in record data are lower-cased, with the octets before the names and how many there are; NAPTR apart. */
const NAMES = new Map<number, readonly [skip: number, names: number]>([
  [Type.NS, [0, 1]],
  [3 /* MD */, [0, 1]],
  [4 /* MF */, [0, 1]],
  [Type.CNAME, [0, 1]],
  [Type.SOA, [0, 2]],
  [7 /* MB */, [0, 1]],
  [8 /* MG */, [0, 1]],
  [9 /* MR */, [0, 1]],
  [Type.PTR, [0, 1]],
  [14 /* MINFO */, [0, 2]],
  [Type.MX, [2, 1]],
  [17 /* RP */, [0, 2]],
  [18 /* AFSDB */, [2, 1]],
  [21 /* RT */, [2, 1]],
  [26 /* PX */, [2, 2]],
  [Type.SRV, [6, 1]],
  [36 /* KX */, [2, 1]],
  [Type.DNAME, [0, 1]],
]);

/** Record data with its names in lower case; the same octets where there is nothing to change. */
export function canonicalRdata(type: number, rdata: Uint8Array): Uint8Array {
  const layout = type === Type.NAPTR ? ([naptrNameAt(rdata), 1] as const) : NAMES.get(type);
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

/** Labels as an RRSIG counts them: without the root, and without the asterisk of a wildcard (RFC 4034 section 3.1.3). */
export function labelCount(owner: Name): number {
  let labels = 0;
  for (let at = 0; owner.charCodeAt(at) !== 0; at += 1 + owner.charCodeAt(at)) labels++;
  return owner.startsWith("\x01*") ? labels - 1 : labels;
}

/** The records of an RRset as they are signed: canonical and in canonical order, with the TTL of the RRset. @param owner folded */
export function canonicalRecords(owner: Name, { type, ttl, rdatas }: RRset): Buffer {
  const sorted = rdatas.map((rdata) => canonicalRdata(type, rdata)).toSorted(Buffer.compare);
  const parts: Uint8Array[] = [];
  const head = Buffer.alloc(owner.length + 10);
  head.write(owner, "latin1");
  head.writeUInt16BE(type, owner.length);
  head.writeUInt16BE(1, owner.length + 2);
  head.writeUInt32BE(ttl, owner.length + 4);
  sorted.forEach((rdata, index) => {
    // records that differ only in the case of a name are one
    if (index > 0 && Buffer.compare(rdata, sorted[index - 1]!) === 0) return;
    const record = Buffer.from(head);
    record.writeUInt16BE(rdata.length, owner.length + 8);
    parts.push(record, rdata);
  });
  return Buffer.concat(parts);
}
