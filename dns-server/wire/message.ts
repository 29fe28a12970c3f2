import { Flag, HEADER_LENGTH } from "./constants.ts";
import { readName } from "./name.ts";

/** Offset behind the questions of a message; undefined when they cannot be read. */
export function endOfQuestions(message: Uint8Array): number | undefined {
  let at = HEADER_LENGTH;
  for (let left = (message[4]! << 8) | message[5]!; left > 0; left--) {
    const read = readName(message, at);
    if (!read || read.end + 4 > message.length) return undefined;
    at = read.end + 4;
  }
  return at;
}

/** An answer of nothing but the header and, if it has one that can be read, the question of its request. @param flags besides QR */
export function bareAnswer(request: Buffer, rcode: number, flags = 0): Buffer {
  const end = request.readUInt16BE(4) === 1 ? endOfQuestions(request) : undefined;
  const answer = Buffer.from(request.subarray(0, end ?? HEADER_LENGTH));
  answer.writeUInt16BE(Flag.QR | (request.readUInt16BE(2) & OPCODE_AND_RD) | flags | rcode, 2);
  answer.fill(0, 4, HEADER_LENGTH);
  answer.writeUInt16BE(end === undefined ? 0 : 1, 4);
  return answer;
}

const OPCODE_AND_RD = 0x7800 | Flag.RD;
