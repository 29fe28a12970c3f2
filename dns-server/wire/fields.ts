import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { typeCode, typeName } from "./constants.ts";
import { nameBytes, parseName, type Name } from "./name.ts";
import { decodeBase64 } from "./svcb.ts";
import { parseTtl, parseUint } from "./text.ts";

/** Fields of record data that one type or a few have, each both ways. */

/** The words of a record, as a field takes them. @throws Error when there are no more */
export interface Words {
  next(): string;
  /** All that are left. */
  rest(): string[];
  readonly origin: Name;
}

/** The octets of record data, as a field takes them. Takers throw an Error where there are too few. */
export interface Octets {
  take(size: number): Buffer;
  rest(): Buffer;
  name(): string;
  isAtEnd(): boolean;
}

export interface Field {
  parse(words: Words): Uint8Array;
  /** @throws Error for data that is not well-formed */
  format(octets: Octets): string[];
}

const malformed = (): Error => new Error("malformed");
const uint16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);

function uint32(value: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}

function hex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new Error("bad hexadecimal data");
  return Buffer.from(text, "hex");
}

function typeOf(text: string): number {
  const code = typeCode(text);
  if (code === undefined) throw new Error(`unknown type "${text}"`);
  return code;
}

export const type: Field = {
  parse: (words) => uint16(typeOf(words.next())),
  format: (octets) => [typeName(octets.take(2).readUInt16BE())],
};

/** A time as YYYYMMDDHHmmSS or in seconds since 1970, modulo 2^32 (RFC 4034 section 3.2). */
export const signatureTime: Field = {
  parse: (words) => {
    const text = words.next();
    const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
    if (parts.length === 0) return uint32(parseUint(text, 32));
    const [year, month, ...rest] = parts.map(Number) as [number, number, number, number, number, number];
    return uint32(Math.floor(Date.UTC(year, month - 1, ...rest) / 1000) % 2 ** 32);
  },
  format: (octets) => [
    new Date(octets.take(4).readUInt32BE() * 1000)
      .toISOString()
      .replace(/\.\d+Z$/, "")
      .replace(/\D/g, ""),
  ],
};

export const ttl: Field = {
  parse: (words) => uint32(parseTtl(words.next())),
  format: (octets) => [String(octets.take(4).readUInt32BE())],
};

/** Octets with a length before them, in hexadecimal; `-` for none. */
export const salt: Field = {
  parse: (words) => {
    const text = words.next();
    const octets = text === "-" ? Buffer.alloc(0) : hex(text);
    return Buffer.concat([Uint8Array.of(octets.length), octets]);
  },
  format: (octets) => [octets.take(octets.take(1)[0]!).toString("hex") || "-"],
};

const BASE32HEX = "0123456789abcdefghijklmnopqrstuv";

/** Octets with a length before them, in base32 with the extended hexadecimal alphabet and without padding (RFC 5155 section 3.3). */
export const hash: Field = {
  parse: (words) => {
    const octets: number[] = [];
    let [bits, count] = [0, 0];
    for (const char of words.next().toLowerCase()) {
      const value = BASE32HEX.indexOf(char);
      if (value < 0) throw new Error("bad base32 data");
      bits = ((bits << 5) | value) & 0xfff;
      count += 5;
      if (count < 8) continue;
      count -= 8;
      octets.push((bits >> count) & 255);
    }
    return Uint8Array.from([octets.length, ...octets]);
  },
  format: (octets) => {
    let text = "";
    let [bits, count] = [0, 0];
    for (const octet of octets.take(octets.take(1)[0]!)) {
      bits = ((bits << 8) | octet) & 0xfff;
      for (count += 8; count >= 5; count -= 5) text += BASE32HEX[(bits >> (count - 5)) & 31];
    }
    return [count > 0 ? text + BASE32HEX[(bits << (5 - count)) & 31] : text];
  },
};

/** Types as a bitmap: windows of 256 types, each with as many octets as are needed (RFC 4034 section 4.1.2). */
export function typeBitmap(types: Iterable<number>): Uint8Array {
  const windows = new Map<number, Uint8Array>();
  for (const code of [...types].toSorted((a, b) => a - b)) {
    const window = windows.get(code >> 8) ?? new Uint8Array(32);
    windows.set(code >> 8, window);
    window[(code & 255) >> 3]! |= 0x80 >> (code & 7);
  }
  return Buffer.concat(
    [...windows].map(([window, octets]) => {
      const length = octets.findLastIndex((octet) => octet !== 0) + 1;
      return Buffer.from([window, length, ...octets.subarray(0, length)]);
    }),
  );
}

export const types: Field = {
  parse: (words) => typeBitmap(words.rest().map(typeOf)),
  format: (octets) => {
    const bitmap = octets.rest();
    const found: number[] = [];
    for (let at = 0; at < bitmap.length; at += 2 + bitmap[at + 1]!) {
      const window = bitmap.subarray(at + 2, at + 2 + bitmap[at + 1]!);
      window.forEach((octet, i) => {
        for (let bit = 0; bit < 8; bit++) if (octet & (0x80 >> bit)) found.push((bitmap[at]! << 8) | (8 * i + bit));
      });
    }
    // order, empty windows, octets too many: what would be written otherwise is not well-formed
    if (Buffer.compare(typeBitmap(found), bitmap) !== 0) throw malformed();
    return found.map(typeName);
  },
};

const FAMILIES = [
  { code: 1, size: 4, most: 32, parse: parseIpv4, format: formatIpv4 },
  { code: 2, size: 16, most: 128, parse: parseIpv6, format: formatIpv6 },
] as const;

/** Prefixes, `[!]FAMILY:ADDRESS/LENGTH` (RFC 3123). */
export const prefixes: Field = {
  parse: (words) =>
    Buffer.concat(
      words.rest().map((word) => {
        const [, not, code, address, length] = /^(!?)(\d+):(.+)\/(\d{1,3})$/.exec(word) ?? [];
        const family = FAMILIES.find((known) => known.code === Number(code));
        if (!family || Number(length) > family.most) throw new Error(`"${word}" is no prefix: it must be 1:IPV4/LENGTH or 2:IPV6/LENGTH`);
        const octets = family.parse(address!);
        const used = octets.findLastIndex((octet) => octet !== 0) + 1;
        return Buffer.from([0, family.code, Number(length), (not ? 0x80 : 0) | used, ...octets.subarray(0, used)]);
      }),
    ),
  format: (octets) => {
    const all = octets.rest();
    const found: string[] = [];
    for (let at = 0; at < all.length;) {
      const family = FAMILIES.find(({ code }) => code === all[at + 1] && all[at] === 0);
      const used = all[at + 3]! & 0x7f;
      const end = at + 4 + used;
      if (!family || all[at + 2]! > family.most || used > family.size || end > all.length || (used > 0 && all[end - 1] === 0)) throw malformed();
      const address = Buffer.alloc(family.size);
      all.copy(address, 0, at + 4, end);
      found.push(`${all[at + 3]! & 0x80 ? "!" : ""}${family.code}:${family.format(address)}/${all[at + 2]}`);
      at = end;
    }
    return found;
  },
};

/** Numbers of which some have names. */
const named = (names: Readonly<Record<string, number>>, bits: 8 | 16): Field => {
  const byCode = new Map(Object.entries(names).map(([name, code]) => [code, name]));
  return {
    parse: (words) => {
      const text = words.next();
      const code = names[text.toUpperCase()] ?? parseUint(text, bits);
      return bits === 8 ? Uint8Array.of(code) : uint16(code);
    },
    format: (octets) => {
      const code = octets.take(bits / 8).readUIntBE(0, bits / 8);
      return [byCode.get(code) ?? String(code)];
    },
  };
};

/** Kinds of certificates (RFC 4398 section 2.1). */
export const certificateKind = named({ PKIX: 1, SPKI: 2, PGP: 3, IPKIX: 4, ISPKI: 5, IPGP: 6, ACPKIX: 7, IACPKIX: 8, URI: 253, OID: 254 }, 16);

/** Algorithms of DNSSEC keys, as certificates have them. */
export const certificateAlgorithm = named(
  {
    RSAMD5: 1,
    DH: 2,
    DSA: 3,
    RSASHA1: 5,
    NSEC3DSA: 6,
    NSEC3RSASHA1: 7,
    RSASHA256: 8,
    RSASHA512: 10,
    ECCGOST: 12,
    ECDSAP256SHA256: 13,
    ECDSAP384SHA384: 14,
    ED25519: 15,
    ED448: 16,
    INDIRECT: 252,
    PRIVATEDNS: 253,
    PRIVATEOID: 254,
  },
  8,
);

/** The same as signatures and keys have them: by number or name, shown as a number. */
export const algorithm: Field = { parse: certificateAlgorithm.parse, format: (octets) => [String(octets.take(1)[0])] };

/** Schemes of generalized notifications (RFC 9859 section 2.1). */
export const notifyScheme = named({ NOTIFY: 1 }, 8);

/** Octets as pairs of hexadecimal digits, joined by hyphens (RFC 7043). */
export const eui = (size: number): Field => ({
  parse: (words) => {
    const text = words.next();
    if (!new RegExp(`^[0-9a-f]{2}(-[0-9a-f]{2}){${size - 1}}$`, "i").test(text)) throw new Error(`"${text}" must be ${size} octets: xx-xx-...`);
    return hex(text.replaceAll("-", ""));
  },
  format: (octets) => [octets.take(size).toString("hex").replace(/..(?=.)/g, "$&-")],
});

/** 64 bits as four groups of hexadecimal digits, joined by colons (RFC 6742). */
export const locator: Field = {
  parse: (words) => {
    const text = words.next();
    if (!/^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3}$/i.test(text)) throw new Error(`"${text}" must be four groups: xxxx:xxxx:xxxx:xxxx`);
    return hex(text.split(":").map((group) => group.padStart(4, "0")).join(""));
  },
  format: (octets) => [
    octets
      .take(8)
      .toString("hex")
      .replace(/....(?=.)/g, "$&:")
      .replace(/\b0{1,3}(?=[0-9a-f])/g, ""),
  ],
};

/** Where something can be reached, of a kind that stands before it: 0 nothing (`.`), 1 IPv4, 2 IPv6, 3 a name. */
function parseGateway(kind: number, text: string, origin: Name): Uint8Array {
  switch (kind) {
    case 0:
      if (text !== ".") throw new Error('where there is no gateway "." must stand in its place');
      return new Uint8Array();
    case 1:
      return parseIpv4(text);
    case 2:
      return parseIpv6(text);
    case 3:
      return nameBytes(parseName(text, origin));
    default:
      throw new Error(`the kind ${kind} of gateway is not known`);
  }
}

function formatGateway(kind: number, octets: Octets): string {
  switch (kind) {
    case 0:
      return ".";
    case 1:
      return formatIpv4(octets.take(4));
    case 2:
      return formatIpv6(octets.take(16));
    case 3:
      return octets.name();
    default:
      throw malformed();
  }
}

/** Precedence, kind of gateway, algorithm, gateway, and perhaps a key (RFC 4025). */
export const ipsecKey: Field = {
  parse: (words) => {
    const [precedence, kind, keyAlgorithm] = [parseUint(words.next(), 8), parseUint(words.next(), 8), parseUint(words.next(), 8)];
    const gateway = parseGateway(kind, words.next(), words.origin);
    return Buffer.concat([Uint8Array.of(precedence, kind, keyAlgorithm), gateway, decodeBase64(words.rest().join(""))]);
  },
  format: (octets) => {
    const [precedence, kind, keyAlgorithm] = octets.take(3) as unknown as [number, number, number];
    const gateway = formatGateway(kind, octets);
    const key = octets.rest().toString("base64");
    return [String(precedence), String(kind), String(keyAlgorithm), gateway, ...(key === "" ? [] : [key])];
  },
};

/** Precedence, whether discovery is optional, kind of relay, and the relay (RFC 8777). */
export const relay: Field = {
  parse: (words) => {
    const [precedence, optional, kind] = [parseUint(words.next(), 8), words.next(), parseUint(words.next(), 8)];
    if (optional !== "0" && optional !== "1") throw new Error("the second word, whether discovery is optional, must be 0 or 1");
    return Buffer.concat([Uint8Array.of(precedence, (Number(optional) << 7) | kind), parseGateway(kind, words.next(), words.origin)]);
  },
  format: (octets) => {
    const [precedence, kind] = octets.take(2) as unknown as [number, number];
    return [String(precedence), String(kind >> 7), String(kind & 0x7f), formatGateway(kind & 0x7f, octets)];
  },
};

/** Algorithm, identity tag, key, and rendezvous servers (RFC 8005). */
export const hostIdentity: Field = {
  parse: (words) => {
    const keyAlgorithm = parseUint(words.next(), 8);
    const [tag, key] = [hex(words.next()), decodeBase64(words.next())];
    if (tag.length === 0 || tag.length > 255 || key.length === 0) throw new Error("the host identity tag or the key is empty or too long");
    const servers = words.rest().map((text) => nameBytes(parseName(text, words.origin)));
    return Buffer.concat([Uint8Array.of(tag.length, keyAlgorithm), uint16(key.length), tag, key, ...servers]);
  },
  format: (octets) => {
    const [tagLength, keyAlgorithm] = octets.take(2) as unknown as [number, number];
    const keyLength = octets.take(2).readUInt16BE();
    if (tagLength === 0 || keyLength === 0) throw malformed();
    const words = [String(keyAlgorithm), octets.take(tagLength).toString("hex"), octets.take(keyLength).toString("base64")];
    while (!octets.isAtEnd()) words.push(octets.name());
    return words;
  },
};
