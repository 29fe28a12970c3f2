import type { Handler } from "../view/exchange.ts";
import { EdnsOption, Type } from "../wire/constants.ts";
import { readQuery } from "../wire/query.ts";
import { readRecords } from "../wire/records.ts";

/** A handler whose answers are padded. */
export const padded =
  (handle: Handler): Handler =>
  (message, client) => {
    const response = handle(message, client);
    return response && { ...response, message: padAnswer(message, response.message) };
  };

/** Answers are padded to a multiple of it (RFC 8467 section 4.1). */
const BLOCK = 468;
const OPTION_HEADER = 4;
const MAX_MESSAGE = 0xffff;

/**
 * Pads an answer that goes over TLS when the query was padded (RFC 7830), so that its length tells less of what was asked. An answer whose
 * last record is not OPT stays as it is: it has none, or a signature that padding would break.
 */
export function padAnswer(query: Uint8Array, answer: Buffer): Buffer {
  const read = readQuery(query);
  if (read === "drop" || !read.query.edns?.options.has(EdnsOption.PADDING)) return answer;
  const last = [...readRecords(answer)].at(-1);
  if (last?.type !== Type.OPT) return answer;
  const size = Math.min(MAX_MESSAGE, Math.ceil((answer.length + OPTION_HEADER) / BLOCK) * BLOCK);
  const padding = size - answer.length - OPTION_HEADER;
  if (padding < 0) return answer;
  const padded = Buffer.alloc(size);
  padded.set(answer);
  padded.writeUInt16BE(padded.readUInt16BE(last.lengthAt) + OPTION_HEADER + padding, last.lengthAt);
  padded.writeUInt16BE(EdnsOption.PADDING, answer.length);
  padded.writeUInt16BE(padding, answer.length + 2);
  return padded;
}
