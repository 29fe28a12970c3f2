import { escapeByte, readEscape } from "./name.ts";

/** A word of a master file: its text with escapes still in place, and whether it stood in quotes. */
export interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

/** The octets of a word, escapes resolved, as a string of bytes. */
export function unescapeText(text: string): string {
  if (!text.includes("\\") && /^[\x00-\x7f]*$/.test(text)) return text;
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  let value = "";
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== "\\") value += bytes[i];
    else {
      const { byte, length } = readEscape(bytes, i, text);
      value += String.fromCharCode(byte);
      i += length - 1;
    }
  }
  return value;
}

/** Octets as a quoted character string. */
export function quoteText(bytes: string): string {
  let text = '"';
  for (let i = 0; i < bytes.length; i++) text += bytes[i] === " " ? " " : escapeByte(bytes.charCodeAt(i), '"\\');
  return `${text}"`;
}

/** An unsigned decimal number of `bits` bits. */
export function parseUint(text: string, bits: 8 | 16 | 32): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value < 2 ** bits)) throw new Error(`"${text}" is not a number from 0 to ${2 ** bits - 1}`);
  return value;
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Whether a word reads as a TTL. */
export const isTtl = (text: string): boolean => /^\d/.test(text) && /^(\d+|(\d+[smhdw])+)$/i.test(text);

/** A TTL or SOA timer in seconds: a number, or numbers with the units s, m, h, d, w (`1h30m`). At most 2^31 - 1 (RFC 2181 section 8). */
export function parseTtl(text: string): number {
  if (!isTtl(text)) throw new Error(`"${text}" is not a time in seconds (nor like 1h30m)`);
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw]?)/gi)) seconds += Number(count) * UNITS[(unit || "s").toLowerCase()]!;
  if (seconds > 0x7fffffff) throw new Error(`time "${text}" is over 2147483647 seconds`);
  return seconds;
}
