import { canonicalRdata } from "../wire/canonical.ts";
import type { Name } from "../wire/name.ts";
import type { RRset } from "../zone/node.ts";

/** The canonical form of records that is signed (RFC 4034 section 6, 6840 section 5.1). */

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
