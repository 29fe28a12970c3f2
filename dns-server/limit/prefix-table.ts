import type { Prefix } from "../wire/address.ts";

/**
 * Prefixes with a number each, as a table in shared memory that any thread can look addresses up in. The longest prefix counts.
 *
 * Rows in order, each the first address of a run of addresses (four words) and their number; 0: in no prefix. IPv4 addresses stand where
 * IPv6 maps them (::ffff:0:0/96).
 */
export type PrefixTable = Uint32Array;

const ROW = 5;
const IPV4_BASE = 0xffff_0000_0000n;
const WORD = 0xffff_ffffn;

/** @param prefixes of which no two are the same; numbers from 1 on */
export function compilePrefixes(prefixes: readonly { readonly prefix: Prefix; readonly value: number }[]): PrefixTable {
  const runs = prefixes.map(({ prefix, value }) => ({ ...runOf(prefix), value }));
  // so that an IPv6 prefix as wide as ::/0 does not cover IPv4
  if (!runs.some(({ start, bits }) => start === IPV4_BASE && bits === 96)) runs.push({ start: IPV4_BASE, bits: 96, value: 0 });
  runs.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.bits - b.bits));
  const rows: { start: bigint; value: number }[] = [];
  const put = (start: bigint, value: number): void => {
    if (rows.at(-1)?.start === start) rows.pop();
    if ((rows.at(-1)?.value ?? 0) !== value) rows.push({ start, value });
  };
  // the runs around the present place, from the widest in
  const open: { next: bigint; value: number }[] = [];
  const closeUpTo = (place: bigint): void => {
    while (open.length > 0 && open.at(-1)!.next <= place) put(open.pop()!.next, open.at(-1)?.value ?? 0);
  };
  for (const { start, bits, value } of runs) {
    closeUpTo(start);
    put(start, value);
    open.push({ next: start + (1n << BigInt(128 - bits)), value });
  }
  closeUpTo((1n << 128n) - 1n);
  const table = new Uint32Array(new SharedArrayBuffer(rows.length * ROW * 4));
  rows.forEach(({ start, value }, row) => {
    for (let word = 0; word < 4; word++) table[row * ROW + word] = Number((start >> BigInt(96 - 32 * word)) & WORD);
    table[row * ROW + 4] = value;
  });
  return table;
}

function runOf({ address, length }: Prefix): { start: bigint; bits: number } {
  const value = address.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  const ipv4 = address.length === 4;
  const bits = ipv4 ? 96 + length : length;
  const host = BigInt(128 - bits);
  return { start: (((ipv4 ? IPV4_BASE : 0n) | value) >> host) << host, bits };
}

/**
 * The number of the longest prefix that an address is in, 0 for none. Allocates nothing.
 * @param address where the 4 or 16 octets (`length`) of the address are
 */
export function lookupPrefix(table: PrefixTable, address: Uint8Array, at: number, length: number): number {
  const ipv4 = length === 4;
  const first = ipv4 ? 0 : wordAt(address, at);
  const second = ipv4 ? 0 : wordAt(address, at + 4);
  const third = ipv4 ? 0xffff : wordAt(address, at + 8);
  const fourth = wordAt(address, ipv4 ? at : at + 12);
  // the last row that starts at or before the address
  let low = 0;
  let high = table.length / ROW;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = middle * ROW;
    const difference = table[row]! - first || table[row + 1]! - second || table[row + 2]! - third || table[row + 3]! - fourth;
    if (difference <= 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : table[low * ROW - 1]!;
}

const wordAt = (octets: Uint8Array, at: number): number =>
  ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
