import { parentName, type Name } from "../wire/name.ts";

/**
 * A zone as a table of finished answers in one block of shared memory, which any thread can answer from without a copy. The layout is in
 * 32-bit
 * words; a reference is a word index, 0 is "none: the general path answers".
 *
 * - block: `Head` words, then records and the hash table, then the octets that they refer to
 * - slots: pairs (hash of the folded name, node); open addressing with linear probing, at most half full
 * - node: `Node` words, then pairs (type, body)
 * - body: `Body` words, then offsets of compression pointers to shift
 *
 * The octets of a body follow the question of a message. They were written for a question of `BASE` octets. Where the asked name is
 * longer (it
 * is below a cut, or does not exist), every compression pointer in them grows by the difference.
 */
export type AnswerTable = SharedArrayBuffer;

export const Head = { MASK: 0, SLOTS: 1, NXDOMAIN: 2, APEX: 3, SIGNED: 4, SIZE: 5 } as const;
/** `CHILD` is for names below that do not exist: a wildcard's node, or `CHILD_GENERAL`. */
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
/** Flag beside the rcode in `Body.FLAGS`. */
export const BODY_AA = 0x100;
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
