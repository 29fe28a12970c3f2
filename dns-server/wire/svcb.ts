import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { escapeByte } from "./name.ts";
import { parseUint, unescapeText } from "./text.ts";

/** Parameters of SVCB and HTTPS records (RFC 9460 section 2 and appendix A). */

/** RFC 9460, 9461 (dohpath), 9540 (ohttp). */
const KEYS = ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp"];
/** Keys that stand without a value. */
const BARE: readonly number[] = [2, 8];

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function keyCode(name: string): number {
  const known = KEYS.indexOf(name);
  if (known >= 0) return known;
  const generic = /^key(0|[1-9]\d{0,4})$/.exec(name);
  const code = generic ? Number(generic[1]) : NaN;
  if (!(code < 0xffff)) throw new Error(`unknown service parameter "${name}"`);
  return code;
}

const keyName = (code: number): string => KEYS[code] ?? `key${code}`;

/** Splits at commas that no backslash protects (RFC 9460 appendix A.1), after the escapes of the character string are resolved. */
function splitValues(value: string): string[] {
  const items = [""];
  for (let i = 0; i < value.length; i++) {
    if (value[i] === ",") items.push("");
    else {
      if (value[i] === "\\") i++;
      items[items.length - 1] += value[i] ?? "";
    }
  }
  if (items.includes("")) throw new Error("empty item in the list of a service parameter");
  return items;
}

function encodeValue(code: number, value: string | undefined): Uint8Array {
  const name = keyName(code);
  if (BARE.includes(code)) {
    if (value !== undefined) throw new Error(`service parameter ${name} takes no value`);
    return new Uint8Array();
  }
  if (value === undefined && code < KEYS.length) throw new Error(`service parameter ${name} needs a value`);
  switch (code) {
    case 0: {
      const codes = splitValues(value!)
        .map(keyCode)
        .sort((a, b) => a - b);
      if (new Set(codes).size !== codes.length || codes.includes(0)) throw new Error("mandatory names a key twice, or itself");
      return Uint8Array.from(codes.flatMap((key) => [key >> 8, key & 0xff]));
    }
    case 1: {
      const ids = splitValues(value!);
      if (ids.some((id) => id.length > 255)) throw new Error("an ALPN identifier is longer than 255 octets");
      return latin1(ids.map((id) => String.fromCharCode(id.length) + id).join(""));
    }
    case 3: {
      const port = parseUint(value!, 16);
      return Uint8Array.of(port >> 8, port & 0xff);
    }
    case 4:
      return Buffer.concat(splitValues(value!).map(parseIpv4));
    case 5:
      return decodeBase64(value!);
    case 6:
      return Buffer.concat(splitValues(value!).map(parseIpv6));
    case 7: {
      const path = Buffer.from(value!, "latin1").toString("utf8");
      if (!path.startsWith("/") || !/\{[^}]*dns[^}]*\}/.test(path)) throw new Error("dohpath must be a URI template that begins with / and has the variable dns: /dns-query{?dns}");
      return latin1(value!);
    }
    default:
      return latin1(value ?? "");
  }
}

/** Strict base64: `Buffer` alone would skip what is not base64. */
export function decodeBase64(text: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error("bad base64 data");
  return Buffer.from(text, "base64");
}

/** Each word is `key` or `key=value`, quotes already removed and escapes still in place. */
export function parseSvcParams(words: readonly string[]): Uint8Array {
  const params = new Map<number, Uint8Array>();
  for (const word of words) {
    const split = word.indexOf("=");
    const code = keyCode(split < 0 ? word : word.slice(0, split));
    if (params.has(code)) throw new Error(`service parameter ${keyName(code)} is given twice`);
    params.set(code, encodeValue(code, split < 0 ? undefined : unescapeText(word.slice(split + 1))));
  }
  const mandatory = params.get(0) ?? [];
  for (let i = 0; i < mandatory.length; i += 2) {
    const code = (mandatory[i]! << 8) | mandatory[i + 1]!;
    if (!params.has(code)) throw new Error(`mandatory service parameter ${keyName(code)} is missing`);
  }
  const parts = [...params]
    .sort(([a], [b]) => a - b)
    .map(([code, value]) => {
      if (value.length > 0xffff) throw new Error(`service parameter ${keyName(code)} is too long`);
      return Buffer.concat([Uint8Array.of(code >> 8, code & 0xff, value.length >> 8, value.length & 0xff), value]);
    });
  return Buffer.concat(parts);
}

const escapeValue = (value: string): string => Array.from(value, (char) => escapeByte(char.charCodeAt(0), '"\\')).join("");

function formatValue(code: number, value: Uint8Array): string | undefined {
  const chunks = (size: number): Uint8Array[] => {
    if (value.length % size !== 0) throw new Error("malformed service parameter");
    return Array.from({ length: value.length / size }, (_, i) => value.subarray(i * size, (i + 1) * size));
  };
  switch (code) {
    case 0:
      return chunks(2)
        .map((pair) => keyName((pair[0]! << 8) | pair[1]!))
        .join(",");
    case 1: {
      const ids: string[] = [];
      for (let at = 0; at < value.length; at += 1 + value[at]!) {
        const id = Buffer.from(value.subarray(at + 1, at + 1 + value[at]!)).toString("latin1");
        ids.push(id.replace(/[,\\]/g, "\\$&"));
      }
      return `"${escapeValue(ids.join(","))}"`;
    }
    case 2:
    case 8:
      if (value.length > 0) throw new Error("malformed service parameter");
      return undefined;
    case 3:
      return String(chunks(2).map((pair) => (pair[0]! << 8) | pair[1]!)[0]);
    case 4:
      return chunks(4).map(formatIpv4).join(",");
    case 5:
      return Buffer.from(value).toString("base64");
    case 6:
      return chunks(16).map(formatIpv6).join(",");
    default:
      return value.length === 0 ? undefined : `"${escapeValue(Buffer.from(value).toString("latin1"))}"`;
  }
}

/** Presentation form of the parameters; throws on data that is not well-formed. */
export function formatSvcParams(bytes: Uint8Array): string[] {
  const words: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw new Error("malformed service parameters");
    const code = (bytes[at]! << 8) | bytes[at + 1]!;
    const end = at + 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (end > bytes.length) throw new Error("malformed service parameters");
    const value = formatValue(code, bytes.subarray(at + 4, end));
    words.push(value === undefined ? keyName(code) : `${keyName(code)}=${value}`);
    at = end;
  }
  // order, repeated keys, empty lists, mandatory keys: what parsing refuses is not well-formed
  const again = parseSvcParams(words.map((word) => word.replace(/="(.*)"$/s, "=$1")));
  if (Buffer.compare(again, bytes) !== 0) throw new Error("malformed service parameters");
  return words;
}
