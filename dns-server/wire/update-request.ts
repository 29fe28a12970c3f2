import { Class, Opcode, Type, HEADER_LENGTH } from "./constants.ts";
import { leaseRecord } from "./edns.ts";
import { nameBytes, type Name } from "./name.ts";
import type { UpdateRecord } from "./update.ts";

/** An UPDATE message, not yet signed. */
export function encodeUpdate(
  id: number,
  zone: Name,
  updates: readonly UpdateRecord[],
  options: { prerequisites?: readonly UpdateRecord[]; lease?: number } = {},
): Buffer {
  const { prerequisites = [], lease } = options;
  const header = Buffer.alloc(HEADER_LENGTH);
  [id, Opcode.UPDATE << 11, 1, prerequisites.length, updates.length, lease === undefined ? 0 : 1].forEach((word, i) =>
    header.writeUInt16BE(word, 2 * i),
  );
  const question = Buffer.alloc(4);
  question.writeUInt16BE(Type.SOA, 0);
  question.writeUInt16BE(Class.IN, 2);
  const parts: Uint8Array[] = [header, nameBytes(zone), question, ...[...prerequisites, ...updates].map(encodeRecord)];
  if (lease !== undefined) parts.push(leaseRecord(lease));
  return Buffer.concat(parts);
}

function encodeRecord({ name, type, class: rclass, ttl, rdata }: UpdateRecord): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(rclass, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(rdata.length, 8);
  return Buffer.concat([nameBytes(name), fixed, rdata]);
}
