import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { namesIn } from "./canonical.ts";
import { Type, typeName } from "./constants.ts";
import * as fields from "./fields.ts";
import { formatLoc, parseLoc } from "./loc.ts";
import { formatName, nameBytes, parseName, readName, type Name } from "./name.ts";
import { decodeBase64, formatSvcParams, parseSvcParams } from "./svcb.ts";
import { parseTtl, parseUint, quoteText, unescapeText, type Token } from "./text.ts";

/**
 * Record data: presentation form to wire form and back, driven by one table of fields a type. Types that are not in it are opaque (RFC
 * 3597).
 */

type SimpleField =
  "u8" | "u16" | "u32" | "time" | "ipv4" | "ipv6" | "name" | "text" | "texts" | "tag" | "value" | "hex" | "base64" | "svcparams" | "loc";

const FIELDS = new Map<number, readonly (SimpleField | fields.Field)[]>([
  [Type.A, ["ipv4"]],
  [Type.NS, ["name"]],
  [Type.CNAME, ["name"]],
  [Type.SOA, ["name", "name", "u32", "time", "time", "time", "time"]],
  [Type.MB, ["name"]],
  [Type.MG, ["name"]],
  [Type.MR, ["name"]],
  [Type.PTR, ["name"]],
  [Type.HINFO, ["text", "text"]],
  [Type.MINFO, ["name", "name"]],
  [Type.MX, ["u16", "name"]],
  [Type.TXT, ["texts"]],
  [Type.RP, ["name", "name"]],
  [Type.AFSDB, ["u16", "name"]],
  [Type.X25, ["text"]],
  [Type.ISDN, ["texts"]],
  [Type.RT, ["u16", "name"]],
  [Type.KEY, ["u16", "u8", fields.algorithm, "base64"]],
  [Type.PX, ["u16", "name", "name"]],
  [Type.AAAA, ["ipv6"]],
  [Type.LOC, ["loc"]],
  [Type.SRV, ["u16", "u16", "u16", "name"]],
  [Type.NAPTR, ["u16", "u16", "text", "text", "text", "name"]],
  [Type.KX, ["u16", "name"]],
  [Type.DNAME, ["name"]],
  [Type.DS, ["u16", fields.algorithm, "u8", "hex"]],
  [Type.SSHFP, ["u8", "u8", "hex"]],
  [Type.DNSKEY, ["u16", "u8", fields.algorithm, "base64"]],
  [Type.DHCID, ["base64"]],
  [Type.TLSA, ["u8", "u8", "u8", "hex"]],
  [Type.SMIMEA, ["u8", "u8", "u8", "hex"]],
  [Type.CDS, ["u16", fields.algorithm, "u8", "hex"]],
  [Type.CDNSKEY, ["u16", "u8", fields.algorithm, "base64"]],
  [Type.OPENPGPKEY, ["base64"]],
  [Type.ZONEMD, ["u32", "u8", "u8", "hex"]],
  [Type.SVCB, ["u16", "name", "svcparams"]],
  [Type.HTTPS, ["u16", "name", "svcparams"]],
  [Type.SPF, ["texts"]],
  [Type.NINFO, ["texts"]],
  [Type.AVC, ["texts"]],
  [Type.RESINFO, ["texts"]],
  [Type.WALLET, ["texts"]],
  [Type.DLV, ["u16", fields.algorithm, "u8", "hex"]],
  [Type.URI, ["u16", "u16", "value"]],
  [Type.CAA, ["u8", "tag", "value"]],
  [Type.APL, [fields.prefixes]],
  [Type.CERT, [fields.certificateKind, "u16", fields.certificateAlgorithm, "base64"]],
  [Type.IPSECKEY, [fields.ipsecKey]],
  [Type.HIP, [fields.hostIdentity]],
  [Type.CSYNC, ["u32", "u16", fields.types]],
  [Type.DSYNC, [fields.type, fields.notifyScheme, "u16", "name"]],
  [Type.NID, ["u16", fields.locator]],
  [Type.L32, ["u16", "ipv4"]],
  [Type.L64, ["u16", fields.locator]],
  [Type.LP, ["u16", "name"]],
  [Type.EUI48, [fields.eui(6)]],
  [Type.EUI64, [fields.eui(8)]],
  [Type.AMTRELAY, [fields.relay]],
  [Type.RRSIG, [fields.type, fields.algorithm, "u8", fields.ttl, fields.signatureTime, fields.signatureTime, "u16", "name", "base64"]],
  [Type.NSEC, ["name", fields.types]],
  [Type.NSEC3, ["u8", "u8", "u16", fields.salt, fields.hash, fields.types]],
  [Type.NSEC3PARAM, ["u8", "u8", "u16", fields.salt]],
]);

/** What other signers made is read, and never given: nobody needs it to be in order. */
const UNCHECKED = new Set<number>([Type.RRSIG, Type.NSEC, Type.NSEC3, Type.NSEC3PARAM]);

const CAA_TAG = /^[a-z0-9]{1,255}$/i;

const uintBytes = (value: number, size: 1 | 2 | 4): Uint8Array => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
};

function characterString(token: Token): Uint8Array {
  const value = unescapeText(token.text);
  if (value.length > 255) throw new Error("a character string is longer than 255 octets");
  return Buffer.from(String.fromCharCode(value.length) + value, "latin1");
}

function hexBytes(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new Error("bad hexadecimal data");
  return Buffer.from(text, "hex");
}

/**
 * Record data from the words of a master file.
 * @param origin completes relative names
 * @throws Error with what is wrong
 */
export function parseRdata(type: number, tokens: readonly Token[], origin: Name): Uint8Array {
  if (tokens[0]?.text === "\\#" && !tokens[0].quoted) return parseGenericRdata(type, tokens);
  const known = FIELDS.get(type);
  if (!known) throw new Error(`${typeName(type)} has no presentation form here: give its data as \\# LENGTH HEX (RFC 3597)`);
  const parts: Uint8Array[] = [];
  let at = 0;
  const next = (): Token => {
    const token = tokens[at++];
    if (!token) throw new Error(`${typeName(type)} data ends too early`);
    return token;
  };
  const rest = (): Token[] => {
    const words = tokens.slice(at);
    at = tokens.length;
    return words;
  };
  const words: fields.Words = { next: () => next().text, rest: () => rest().map(({ text }) => text), origin };
  for (const field of known) {
    if (typeof field === "object") {
      parts.push(field.parse(words));
      continue;
    }
    switch (field) {
      case "u8":
        parts.push(uintBytes(parseUint(next().text, 8), 1));
        break;
      case "u16":
        parts.push(uintBytes(parseUint(next().text, 16), 2));
        break;
      case "u32":
        parts.push(uintBytes(parseUint(next().text, 32), 4));
        break;
      case "time":
        parts.push(uintBytes(parseTtl(next().text), 4));
        break;
      case "ipv4":
        parts.push(parseIpv4(next().text));
        break;
      case "ipv6":
        parts.push(parseIpv6(next().text));
        break;
      case "name":
        parts.push(nameBytes(parseName(next().text, origin)));
        break;
      case "text":
        parts.push(characterString(next()));
        break;
      case "texts":
        parts.push(characterString(next()), ...rest().map(characterString));
        break;
      case "tag": {
        const tag = next().text;
        if (!CAA_TAG.test(tag)) throw new Error(`"${tag}" is not a CAA tag`);
        parts.push(characterString({ text: tag, quoted: false }));
        break;
      }
      case "value":
        parts.push(Buffer.from(unescapeText(next().text), "latin1"));
        break;
      case "hex":
        next();
        at--;
        parts.push(
          hexBytes(
            rest()
              .map((token) => token.text)
              .join(""),
          ),
        );
        break;
      case "base64":
        next();
        at--;
        parts.push(
          decodeBase64(
            rest()
              .map((token) => token.text)
              .join(""),
          ),
        );
        break;
      case "svcparams":
        parts.push(parseSvcParams(rest().map((token) => token.text)));
        break;
      case "loc":
        parts.push(parseLoc(rest().map((token) => token.text)));
        break;
    }
  }
  if (at < tokens.length) throw new Error(`${typeName(type)} data has words too many from "${tokens[at]!.text}"`);
  return checkedLength(Buffer.concat(parts));
}

function parseGenericRdata(type: number, tokens: readonly Token[]): Uint8Array {
  const length = parseUint(tokens[1]?.text ?? "", 16);
  const bytes = hexBytes(
    tokens
      .slice(2)
      .map((token) => token.text)
      .join(""),
  );
  if (bytes.length !== length) throw new Error(`generic data says ${length} octets but has ${bytes.length}`);
  if (!isWellFormed(type, bytes)) throw new Error(`the generic data is no well-formed ${typeName(type)} data`);
  return bytes;
}

function checkedLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0xffff) throw new Error("record data is longer than 65535 octets");
  return bytes;
}

/** Presentation form of record data; generic form where the type is unknown or the data is not well-formed. */
export function formatRdata(type: number, rdata: Uint8Array): string {
  const generic = `\\# ${rdata.length}${rdata.length > 0 ? ` ${Buffer.from(rdata).toString("hex")}` : ""}`;
  return decodeFields(type, rdata)?.join(" ") ?? generic;
}

/** Whether data can be that of a record of its type; types that are opaque here can have any. */
export const isWellFormed = (type: number, rdata: Uint8Array): boolean =>
  !FIELDS.has(type) || UNCHECKED.has(type) || decodeFields(type, rdata) !== undefined;

/** The words of well-formed data of a known type. */
function decodeFields(type: number, rdata: Uint8Array): string[] | undefined {
  const known = FIELDS.get(type);
  if (!known) return undefined;
  const bytes = Buffer.from(rdata.buffer, rdata.byteOffset, rdata.byteLength);
  const words: string[] = [];
  let at = 0;
  const take = (size: number): Buffer => {
    if (at + size > bytes.length) throw new Error("short");
    return bytes.subarray(at, (at += size));
  };
  const takeRest = (): Buffer => take(Math.max(1, bytes.length - at));
  const takeText = (): string => take(take(1)[0]!).toString("latin1");
  const takeName = (): string => {
    const read = readName(bytes, at);
    if (!read || read.end - at !== read.name.length) throw new Error("malformed");
    at = read.end;
    return formatName(read.name);
  };
  const octets: fields.Octets = { take, rest: () => take(bytes.length - at), name: takeName, isAtEnd: () => at === bytes.length };
  try {
    for (const field of known) {
      if (typeof field === "object") {
        words.push(...field.format(octets));
        continue;
      }
      switch (field) {
        case "u8":
          words.push(String(take(1)[0]));
          break;
        case "u16":
          words.push(String(take(2).readUInt16BE()));
          break;
        case "u32":
        case "time":
          words.push(String(take(4).readUInt32BE()));
          break;
        case "ipv4":
          words.push(formatIpv4(take(4)));
          break;
        case "ipv6":
          words.push(formatIpv6(take(16)));
          break;
        case "name":
          words.push(takeName());
          break;
        case "text":
          words.push(quoteText(takeText()));
          break;
        case "texts":
          do words.push(quoteText(takeText()));
          while (at < bytes.length);
          break;
        case "tag": {
          const tag = takeText();
          if (!CAA_TAG.test(tag)) return undefined;
          words.push(tag);
          break;
        }
        case "value":
          words.push(quoteText(take(bytes.length - at).toString("latin1")));
          break;
        case "hex":
          words.push(takeRest().toString("hex"));
          break;
        case "base64":
          words.push(takeRest().toString("base64"));
          break;
        case "svcparams":
          words.push(...formatSvcParams(take(bytes.length - at)));
          break;
        case "loc":
          words.push(formatLoc(take(16)));
          break;
      }
    }
  } catch {
    return undefined;
  }
  return at === bytes.length ? words : undefined;
}

/**
 * Where the names of record data lie that are compressed here: only those of RFC 1035 may be (RFC 3597 section 4).
 * `skip` octets, then `names` names, then the rest.
 */
export function compressibleNames(type: number): { skip: number; names: number } | undefined {
  switch (type) {
    case Type.NS:
    case Type.CNAME:
    case Type.PTR:
      return { skip: 0, names: 1 };
    case Type.MX:
      return { skip: 2, names: 1 };
    case Type.SOA:
      return { skip: 0, names: 2 };
    default:
      return undefined;
  }
}

/** Record data of a message from `start` to `end`, its compressed names written out; undefined when they are not well-formed. */
export function expandRdata(message: Uint8Array, type: number, start: number, end: number): Uint8Array | undefined {
  const layout = start === end ? undefined : namesIn(type, message.subarray(start, end));
  if (!layout) return Buffer.from(message.subarray(start, end));
  const [skip, names] = layout;
  let at = start + skip;
  const parts: Uint8Array[] = [message.subarray(start, at)];
  for (let i = 0; i < names; i++) {
    const read = readName(message, at);
    if (!read || read.end > end) return undefined;
    parts.push(nameBytes(read.name));
    at = read.end;
  }
  return Buffer.concat([...parts, message.subarray(at, end)]);
}

/** The name that record data leads to, whose addresses help the asker (RFC 1035 section 3.3, 2782, 9460): NS, MX, SRV, SVCB, HTTPS. */
export function targetName(type: number, rdata: Uint8Array): Name | undefined {
  const skip = TARGET_OFFSETS.get(type);
  return skip === undefined ? undefined : readName(rdata, skip)?.name;
}

const TARGET_OFFSETS = new Map<number, number>([
  [Type.NS, 0],
  [Type.MX, 2],
  [Type.SRV, 6],
  [Type.SVCB, 2],
  [Type.HTTPS, 2],
]);
