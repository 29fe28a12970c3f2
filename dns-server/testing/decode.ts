import dnsPacket from 'dns-packet';
import { Flag, Type, typeName } from '../wire/constants.ts';
import { formatName, readName } from '../wire/name.ts';
import { compressibleNames, formatRdata } from '../wire/rdata.ts';

/** An answer with its records in presentation form: `OWNER TTL IN TYPE DATA`. The OPT record is left out. */
export interface DecodedMessage {
  readonly rcode: number;
  readonly aa: boolean;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
}

/** Decodes an answer. @throws Error when it is not well-formed, also in the eyes of a decoder that is not ours */
export function decodeMessage(message: Buffer): DecodedMessage {
  dnsPacket.decode(message);
  const flags = message.readUInt16BE(2);
  let at = message.readUInt16BE(4) === 0 ? 12 : readName(message, 12)!.end + 4;
  const section = (countAt: number): string[] => Array.from({ length: message.readUInt16BE(countAt) }).flatMap(() => {
    const { name, end } = readName(message, at)!;
    const type = message.readUInt16BE(end);
    const start = end + 10;
    at = start + message.readUInt16BE(end + 8);
    if (type === Type.OPT) return [];
    return [`${formatName(name)} ${message.readUInt32BE(end + 4)} IN ${typeName(type)} ${formatRdata(type, expand(message, type, start, at))}`];
  });
  return { rcode: flags & 15, aa: (flags & Flag.AA) !== 0, answer: section(6), authority: section(8), additional: section(10) };
}

/** Record data with its compressed names written out. */
function expand(message: Buffer, type: number, start: number, end: number): Uint8Array {
  const compressible = compressibleNames(type);
  if (!compressible) return message.subarray(start, end);
  let at = start + compressible.skip;
  const parts: Uint8Array[] = [message.subarray(start, at)];
  for (let i = 0; i < compressible.names; i++) {
    const read = readName(message, at)!;
    parts.push(Buffer.from(read.name, 'latin1'));
    at = read.end;
  }
  return Buffer.concat([...parts, message.subarray(at, end)]);
}
