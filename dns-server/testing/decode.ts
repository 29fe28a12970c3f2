import dnsPacket from "dns-packet";
import { Flag, Type, typeName } from "../wire/constants.ts";
import { formatName, readName } from "../wire/name.ts";
import { expandRdata, formatRdata } from "../wire/rdata.ts";

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
  const section = (countAt: number): string[] =>
    Array.from({ length: message.readUInt16BE(countAt) }).flatMap(() => {
      const { name, end } = readName(message, at)!;
      const type = message.readUInt16BE(end);
      const start = end + 10;
      at = start + message.readUInt16BE(end + 8);
      if (type === Type.OPT) return [];
      return [
        `${formatName(name)} ${message.readUInt32BE(end + 4)} IN ${typeName(type)} ${formatRdata(type, expandRdata(message, type, start, at)!)}`,
      ];
    });
  return { rcode: flags & 15, aa: (flags & Flag.AA) !== 0, answer: section(6), authority: section(8), additional: section(10) };
}
