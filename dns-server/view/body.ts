import { Type, HEADER_LENGTH } from "../wire/constants.ts";
import type { Name } from "../wire/name.ts";
import { MessageWriter } from "../wire/writer.ts";
import type { Answer } from "../zone/lookup.ts";
import type { OwnedRRset, RRset } from "../zone/node.ts";
import type { Arena } from "./arena.ts";
import { Body, BODY_AA, BODY_ADDS, BODY_LONG, BODY_SINGLE } from "./layout.ts";

/** Longer answers are left to the general path: over UDP they are cut anyway. */
const MAX_BODY = 4096;
/** Counts of the ring's records have 16 bits. */
const MAX_RING = 0xffff;

/** Which pointers move with the length of the asked name: none when it is the one written for; all; or all but those to the name itself. */
export type Shift = "none" | "all" | "all but the name";

/** Used by one call at a time. */
const writer = new MessageWriter();

/**
 * Writes the body of an answer.
 * @param question name that it is written for
 * @returns its word index, 0 for an answer that is left to the general path, undefined when the arena is full
 */
export function writeBody(arena: Arena, question: Name, answer: Answer, shift: Shift): number | undefined {
  writer.begin(0xffff);
  writer.question(question, 0, 0);
  const start = writer.length;
  const last = answer.answer.at(-1);
  const ownRing = last && isRing(last) ? last : undefined;
  const addedRing = ownRing || shift === "all" ? undefined : answer.additional.find((set) => isRing(set) && set.owner === question);
  const ring = ownRing ?? addedRing;
  const isChosen = (set: OwnedRRset): boolean => set !== ring && set.rrset.rdatas.length > (set.rrset.maxAnswers ?? Infinity);
  // which records are given is drawn anew each time, but they are no ring
  if (answer.additional.some(isChosen)) return 0;
  const answers = writeSets(answer.answer, ring);
  const writeRest = (): [number, number] => [writeSets(answer.authority), writeSets(answer.glue) + writeSets(answer.additional, ring)];
  // a ring comes last
  const before = addedRing ? writeRest() : undefined;
  const ringAt = writer.length;
  const count = ring?.rrset.rdatas.length ?? 0;
  const take = ring ? Math.min(count, ring.rrset.maxAnswers ?? count) : 0;
  if (count > MAX_RING) return 0;
  if (last && isChosen(last)) return 0;
  // one record is the pattern for all: they differ in their data only, since the owner was written before
  if (ring) writer.rrset(ring.owner, ring.rrset, [0]);
  const recordSize = writer.length - ringAt;
  const [authority, additional] = before ?? writeRest();
  const pattern = writer.length - start;
  const emitted = pattern + (take - (ring ? 1 : 0)) * recordSize;
  const isSingle = answer.answer.length === 1 && answer.authority.length + answer.glue.length + answer.additional.length === 0;
  const isLong = Number.isNaN(answers + authority + additional) || emitted > MAX_BODY;
  // an asker over UDP is told to come by TCP, and that is finished too
  if (isLong) return isSingle && shift === "none" ? writeLong(arena, answer, question) : 0;
  // what follows a ring would move, and the pointers into it with it
  if (ownRing && authority + additional > 0) return 0;
  const pointers = shift === "none" ? [] : writer.pointers.filter((at) => shift === "all" || targetAt(at) !== HEADER_LENGTH);
  const length = ring ? ringAt - start + count * recordSize : pattern;
  const at = arena.allocate(Body.SIZE + pointers.length + Math.ceil(length / 4));
  if (at === undefined) return undefined;
  const octets = 4 * (at + Body.SIZE + pointers.length);
  const { words } = arena;
  words[at + Body.OCTETS] = octets;
  words[at + Body.LENGTH] = length;
  const adds = ownRing?.rrset.type === Type.SRV;
  words[at + Body.FLAGS] =
    answer.rcode | (answer.authoritative ? BODY_AA : 0) | (isSingle ? BODY_SINGLE : 0) | (adds ? BODY_ADDS : 0);
  words[at + Body.ANSWERS_AUTHORITY] = ((ownRing ? answers + take : answers) << 16) | authority;
  words[at + Body.ADDITIONAL_BASE] = ((addedRing ? additional + take : additional) << 16) | question.length;
  words[at + Body.RING_COUNT_TAKE] = (count << 16) | take;
  words[at + Body.RING_START_SIZE] = ((ring ? ringAt - start : length) << 16) | recordSize;
  words[at + Body.POINTERS] = pointers.length;
  for (let i = 0; i < pointers.length; i++) words[at + Body.SIZE + i] = pointers[i]! - start;
  arena.octets.set(writer.bytes.subarray(start, writer.length), octets);
  if (ring) {
    const record = writer.bytes.subarray(ringAt, writer.length);
    let recordAt = octets + ringAt - start;
    for (const rdata of ring.rrset.rdatas) {
      arena.octets.set(record, recordAt);
      recordAt += recordSize;
      arena.octets.set(rdata, recordAt - rdata.length);
    }
  }
  return at;
}

function writeLong(arena: Arena, { rcode, authoritative }: Answer, question: Name): number | undefined {
  const at = arena.allocate(Body.SIZE);
  if (at === undefined) return undefined;
  arena.words[at + Body.FLAGS] = rcode | (authoritative ? BODY_AA : 0) | BODY_SINGLE | BODY_LONG;
  arena.words[at + Body.ADDITIONAL_BASE] = question.length;
  return at;
}

/** @returns number of records written; NaN when they are too many for any message */
function writeSets(sets: readonly OwnedRRset[], but?: OwnedRRset): number {
  let count = 0;
  for (const set of sets) if (set !== but) count += writer.rrset(set.owner, set.rrset) || NaN;
  return count;
}

const isRing = ({ rrset }: OwnedRRset): boolean =>
  rrset.rdatas.length > 1 && (rrset.type === Type.A || rrset.type === Type.AAAA || isServiceRing(rrset));

/** Whether an RRset is SRV records of equal size, of which each answer gives a choice. */
export const isServiceRing = ({ type, rdatas, maxAnswers }: RRset): boolean =>
  type === Type.SRV && maxAnswers !== undefined && rdatas.length > 1 && rdatas.every(({ length }) => length === rdatas[0]!.length);

/** Where a compression pointer leads. */
const targetAt = (at: number): number => ((writer.bytes[at]! & 0x3f) << 8) | writer.bytes[at + 1]!;
