import { parentName, type Name } from "../wire/name.ts";

/**
 * A zone as a table of finished answers in one block of shared memory, which any thread can answer from without a copy. The layout is in
 * 32-bit words; a reference is a word index, 0 is "none: the general path answers".
 *
 * - head: `Head` words
 * - slots: pairs (hash of the folded name, node); open addressing with linear probing
 * - node: `Node` words, then pairs (type, body), then the octets of its name
 * - body: `Body` words, then offsets of compression pointers to shift, then its octets
 *
 * The octets of a body follow the question of a message. They were written for a question of `BASE` octets. Where the asked name is
 * longer (it is below a cut, or does not exist), every compression pointer in them grows by the difference.
 *
 * The table changes under its readers. Nodes and bodies never do: a changed one is written elsewhere, and then the word of the slot or of
 * the head that leads to it is exchanged. So those words are read and written by Atomics, and a reader sees the old answer or the new one.
 */
export type AnswerTable = SharedArrayBuffer;

/** `NODATA` and `NXDOMAIN` are bodies, and change; the rest stays. */
export const Head = { MASK: 0, SLOTS: 1, NODATA: 2, NXDOMAIN: 3, APEX: 4, SIGNED: 5, SIZE: 6 } as const;
/**
 * `DEFAULT` is the body for types that are not listed: or `DEFAULT_NODATA`. `CHILD` is for names below that do not exist: a wildcard's
 * node, or `CHILD_GENERAL`. A name that is gone leaves a node with `NAME_LENGTH` 0 in its slot.
 */
export const Node = { NAME: 0, NAME_LENGTH: 1, IS_CUT: 2, DEFAULT: 3, CHILD: 4, TYPES: 5, SIZE: 6 } as const;
/** Counts and pairs of small numbers share a word: high and low half. The ring is a run of `RING_COUNT` records of equal size. */
export const Body = {
  OCTETS: 0,
  LENGTH: 1,
  FLAGS: 2,
  ANSWERS_AUTHORITY: 3,
  ADDITIONAL_BASE: 4,
  RING_COUNT_TAKE: 5,
  RING_START_SIZE: 6,
  POINTERS: 7,
  SIZE: 8,
} as const;
/** Flags beside the rcode in `Body.FLAGS`. */
export const BODY_AA = 0x100;
/** The records of the ring are SRV: the addresses of the targets that are given are added from their own bodies. */
export const BODY_ADDS = 0x200;
/** One RRset is all of the answer: where it does not fit, nothing is given. */
export const BODY_SINGLE = 0x400;
/** Too long for any answer over UDP, and not kept: over TCP the general path gives it. */
export const BODY_LONG = 0x800;
export const DEFAULT_NODATA = -1;
export const CHILD_GENERAL = -1;

export const HASH_SEED = 0x811c9dc5 | 0;
export const hashOctet = (hash: number, octet: number): number => Math.imul(hash ^ octet, 0x01000193);
/** Where the search for a hash starts. */
export const hashSlot = (hash: number, mask: number): number => (hash ^ (hash >>> 15)) & mask;

/** Hash of a folded name: label by label from the root, so that the hashes of all its suffixes come on the way. */
export function hashName(name: Name): number {
  if (name.length === 1) return HASH_SEED;
  let hash = hashName(parentName(name));
  for (let i = 0; i <= name.charCodeAt(0); i++) hash = hashOctet(hash, name.charCodeAt(i));
  return hash;
}
