import { HEADER_LENGTH } from "./constants.ts";

/**
 * Domain names. A name is kept in its uncompressed wire form as a string of bytes (one char code a byte): cheap as a map key, cheap to cut
 * into labels, and nothing is lost (any byte may stand in a label). The root is "\0".
 */
export type Name = string & { readonly __brand: "Name" };

export const ROOT = "\0" as Name;
export const MAX_NAME_LENGTH = 255;
const MAX_LABEL_LENGTH = 63;

/**
 * Lower-cases ASCII letters only (RFC 4343). Length octets are at most 63, below the letters, so that the whole wire form can be folded at
 * once.
 */
export function foldName(name: Name): Name {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) as Name;
}

/** The name without its first label. The root has no parent. */
export const parentName = (name: Name): Name => name.slice(1 + name.charCodeAt(0)) as Name;

/** Whether `name` is `ancestor` or below it. Both folded. */
export function isSubdomain(name: Name, ancestor: Name): boolean {
  if (name.length < ancestor.length || !name.endsWith(ancestor)) return false;
  let at = 0;
  const end = name.length - ancestor.length;
  while (at < end) at += 1 + name.charCodeAt(at);
  return at === end;
}

/** The wildcard directly below `name`. */
export const wildcardOf = (name: Name): Name => `\x01*${name}` as Name;

/** Suffixes of `name` from just below `ancestor` down to `name` itself; empty when they are equal. `name` must be below `ancestor`. */
export function namesBelow(name: Name, ancestor: Name): Name[] {
  const names: Name[] = [];
  for (let at = name; at.length > ancestor.length; at = parentName(at)) names.push(at);
  return names.reverse();
}

/** `name` with its suffix `from` replaced by `to`; undefined when the result would be too long (RFC 6672: YXDOMAIN). */
export function replaceSuffix(name: Name, from: Name, to: Name): Name | undefined {
  const length = name.length - from.length + to.length;
  return length > MAX_NAME_LENGTH ? undefined : ((name.slice(0, name.length - from.length) + to) as Name);
}

/**
 * Reads a name in presentation form (RFC 1035 section 5.1: `\X` and `\DDD` escapes).
 * @param origin appended to a name without a final dot; `@` alone stands for it. Without an origin every name is taken as absolute.
 * @throws Error with a message that says what is wrong with the name
 */
export function parseName(text: string, origin: Name = ROOT): Name {
  if (text === "@") return origin;
  if (text === ".") return ROOT;
  if (text === "") throw new Error("empty name");
  let wire = "";
  let label = "";
  let absolute = false;
  const endLabel = (): void => {
    if (label === "") throw new Error(`empty label in name "${text}"`);
    if (label.length > MAX_LABEL_LENGTH) throw new Error(`label longer than ${MAX_LABEL_LENGTH} octets in name "${text}"`);
    wire += String.fromCharCode(label.length) + label;
    label = "";
  };
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  for (let i = 0; i < bytes.length; i++) {
    const char = bytes[i]!;
    if (char === ".") {
      endLabel();
      absolute = i === bytes.length - 1;
    } else if (char === "\\") {
      const { byte, length } = readEscape(bytes, i, text);
      label += String.fromCharCode(byte);
      i += length - 1;
    } else label += char;
  }
  if (!absolute) endLabel();
  const name = wire + (absolute ? ROOT : origin);
  if (name.length > MAX_NAME_LENGTH) throw new Error(`name "${text}" is longer than ${MAX_NAME_LENGTH} octets`);
  return name as Name;
}

/** Reads `\X` or `\DDD` at `at` in a string of bytes. */
export function readEscape(bytes: string, at: number, shown: string): { byte: number; length: number } {
  const digits = /^\d{3}/.exec(bytes.slice(at + 1, at + 4));
  if (digits) {
    const byte = Number(digits[0]);
    if (byte > 255) throw new Error(`escape \\${digits[0]} is not an octet in "${shown}"`);
    return { byte, length: 4 };
  }
  if (at + 1 >= bytes.length || /\d/.test(bytes[at + 1]!)) throw new Error(`bad escape in "${shown}"`);
  return { byte: bytes.charCodeAt(at + 1), length: 2 };
}

/** Presentation form, absolute, escaped so that `parseName` gives the same name back. */
export function formatName(name: Name): string {
  if (name === ROOT) return ".";
  let text = "";
  for (let at = 0, length = name.charCodeAt(0); length !== 0; at += 1 + length, length = name.charCodeAt(at)) {
    for (let i = at + 1; i <= at + length; i++) text += escapeByte(name.charCodeAt(i), '.\\"()@;$');
    text += ".";
  }
  return text;
}

/** One byte in presentation form; `special` characters get a backslash, the unprintable \DDD. */
export function escapeByte(byte: number, special: string): string {
  if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, "0")}`;
  const char = String.fromCharCode(byte);
  return special.includes(char) ? `\\${char}` : char;
}

/**
 * Reads a name from a message, following compression pointers. Each pointer must lead strictly backwards, which bounds the work.
 * @returns the name and the offset behind it, or undefined when it is malformed
 */
export function readName(message: Uint8Array, start: number): { name: Name; end: number } | undefined {
  let name = "";
  let at = start;
  let end = -1;
  let lowest = start;
  for (;;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) {
      if (name.length + 1 > MAX_NAME_LENGTH) return undefined;
      return { name: (name + ROOT) as Name, end: end < 0 ? at + 1 : end };
    }
    if (length >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined) return undefined;
      const target = ((length & 0x3f) << 8) | low;
      // the header is another one in the answer
      if (target >= lowest || (target < HEADER_LENGTH && start >= HEADER_LENGTH)) return undefined;
      if (end < 0) end = at + 2;
      lowest = at = target;
    } else {
      if (length > MAX_LABEL_LENGTH || at + 1 + length > message.length) return undefined;
      for (let i = at; i <= at + length; i++) name += String.fromCharCode(message[i]!);
      if (name.length >= MAX_NAME_LENGTH) return undefined;
      at += 1 + length;
    }
  }
}

/**
 * Passes over a name in a message without following a compression pointer: a message may have thousands of records whose names all lead
 * to the same long one.
 * @returns the offset behind it, or undefined when it is malformed as far as that shows
 */
export function skipName(message: Uint8Array, start: number): number | undefined {
  for (let at = start; at - start < MAX_NAME_LENGTH;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (length >= 0xc0) {
      const low = message[at + 1];
      const target = low === undefined ? at : ((length & 0x3f) << 8) | low;
      return target >= start || target < HEADER_LENGTH ? undefined : at + 2;
    }
    if (length > MAX_LABEL_LENGTH) return undefined;
    at += 1 + length;
  }
  return undefined;
}

/** The bytes of a name, for use inside record data. */
export const nameBytes = (name: Name): Uint8Array => Buffer.from(name, "latin1");
