/** IPv6 prefixes as values: parsing, RFC 5952 text, and sub-prefixes. Pure. */

/** A prefix: `bits` is the network address with all host bits zero. */
export interface Prefix {
  bits: bigint;
  length: number;
}

const addressBits = 128;

/**
 * Parses an IPv6 address in any form of RFC 4291 section 2.2 (without zone).
 * @throws Error naming the text
 */
export function parseAddress(text: string): bigint {
  const fault = () => new Error(`"${text}" is not an IPv6 address`);
  if (!URL.canParse(`http://[${text}]/`)) throw fault();
  // The URL parser accepts exactly the forms of RFC 4291 and returns hexadecimal groups, an embedded IPv4 address included.
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The canonical text of an address (RFC 5952). */
export function formatAddress(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/**
 * Parses `address/length`.
 * @throws Error when the address or length is invalid, or host bits are set
 */
export function parsePrefix(text: string): Prefix {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (!match) throw new Error(`"${text}" is not an IPv6 prefix such as fd00:1:2:3::/64`);
  const bits = parseAddress(match[1]!);
  const length = Number(match[2]);
  if (length > addressBits) throw new Error(`"${text}": the length of an IPv6 prefix is at most ${addressBits}`);
  const network = mask(bits, length);
  if (network !== bits) throw new Error(`"${text}" has host bits set; the prefix is ${formatAddress(network)}/${length}`);
  return { bits, length };
}

/** `address/length` with the address in RFC 5952 form. */
export function formatPrefix({ bits, length }: Prefix): string {
  return `${formatAddress(bits)}/${length}`;
}

/**
 * The sub-prefix number `index` of the given length.
 * @throws Error when it does not fit
 */
export function subPrefix(prefix: Prefix, length: number, index: number): Prefix {
  const free = length - prefix.length;
  if (free < 0 || length > addressBits) throw new Error(`a /${length} is no part of ${formatPrefix(prefix)}`);
  if (index < 0 || BigInt(index) >= 1n << BigInt(free)) {
    throw new Error(`${formatPrefix(prefix)} has no /${length} number ${index}; there are ${1n << BigInt(free)}`);
  }
  return { bits: prefix.bits | (BigInt(index) << BigInt(addressBits - length)), length };
}

/** The address `offset` places into the prefix. */
export function addressIn(prefix: Prefix, offset: number): string {
  const bits = prefix.bits + BigInt(offset);
  if (!contains(prefix, bits)) throw new Error(`${formatPrefix(prefix)} has no address number ${offset}`);
  return formatAddress(bits);
}

/** Whether the address lies within the prefix. */
export function contains(prefix: Prefix, address: bigint): boolean {
  return mask(address, prefix.length) === prefix.bits;
}

/** Whether two prefixes share an address. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return a.length <= b.length ? contains(a, b.bits) : contains(b, a.bits);
}

function mask(bits: bigint, length: number): bigint {
  const host = BigInt(addressBits - length);
  return (bits >> host) << host;
}
