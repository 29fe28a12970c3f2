import { isIPv4, isIPv6 } from "node:net";

/** The 4 octets of an IPv4 address. */
export function parseIpv4(text: string): Uint8Array {
  if (!isIPv4(text)) throw new Error(`"${text}" is not an IPv4 address`);
  return Uint8Array.from(text.split(".").map(Number));
}

/** The 16 octets of an IPv6 address (no zone index). */
export function parseIpv6(text: string): Uint8Array {
  if (!isIPv6(text) || text.includes("%")) throw new Error(`"${text}" is not an IPv6 address`);
  const bytes = new Uint8Array(16);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const tail = dotted ? parseIpv4(dotted[2]!) : undefined;
  const body =
    dotted && tail ? `${dotted[1]}${((tail[0]! << 8) | tail[1]!).toString(16)}:${((tail[2]! << 8) | tail[3]!).toString(16)}` : text;
  const [head, rest] = body.split("::");
  const front = head ? head.split(":") : [];
  const back = rest ? rest.split(":") : [];
  const put = (group: string, index: number): void => {
    const value = parseInt(group, 16);
    bytes[2 * index] = value >> 8;
    bytes[2 * index + 1] = value & 0xff;
  };
  front.forEach(put);
  back.forEach((group, i) => put(group, 8 - back.length + i));
  return bytes;
}

export const formatIpv4 = (bytes: Uint8Array): string => bytes.join(".");

/** Canonical text of an IPv6 address (RFC 5952). */
export function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length < 2) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}

/** The octets of an address as the system shows it; the interface of a link-local one is left out. */
export function parseAddress(text: string): Uint8Array {
  const [address = ""] = text.split("%");
  return address.includes(":") ? parseIpv6(address) : parseIpv4(address);
}

/** All addresses that begin with the first `length` bits of `address`. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** Reads `ADDRESS/LENGTH`, or an address alone, which stands for itself. @throws Error with what is wrong */
export function parsePrefix(text: string): Prefix {
  const [addressText = "", lengthText, ...rest] = text.split("/");
  if ((!isIPv4(addressText) && !isIPv6(addressText)) || rest.length > 0) throw new Error(`"${text}" is not ADDRESS/LENGTH`);
  const address = parseAddress(addressText);
  const length = lengthText === undefined ? 8 * address.length : /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : NaN;
  if (!(length <= 8 * address.length)) throw new Error(`"${text}" has no length from 0 to ${8 * address.length}`);
  return { address, length };
}

/** @param address octets */
export function isInPrefix(address: Uint8Array, prefix: Prefix): boolean {
  if (address.length !== prefix.address.length) return false;
  for (let bit = 0; bit < prefix.length; bit += 8) {
    const mask = 0xff << Math.max(0, 8 - (prefix.length - bit));
    if (((address[bit >> 3]! ^ prefix.address[bit >> 3]!) & mask & 0xff) !== 0) return false;
  }
  return true;
}

/** Canonical text of a prefix; bits beyond its length are left out. */
export function formatPrefix({ address, length }: Prefix): string {
  const start = address.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))));
  return `${start.length === 4 ? formatIpv4(start) : formatIpv6(start)}/${length}`;
}
