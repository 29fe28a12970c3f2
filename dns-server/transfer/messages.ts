import { Class, Flag } from "../wire/constants.ts";
import type { Question } from "../wire/query.ts";
import { MessageWriter } from "../wire/writer.ts";
import { soaOf, recordsOf } from "../zone/content.ts";
import type { ZoneRecord } from "../zone/record.ts";
import type { Zone } from "../zone/zone.ts";
import { type Difference } from "./difference.ts";

/** Octets at which a message is sent: beyond, names could not be compressed any more. */
const FULL = 0x4000;
const MAX_MESSAGE = 0xffff;

/** What the messages of a transfer have in common. */
export interface Envelope {
  readonly id: number;
  /** Flags of the request. */
  readonly flags: number;
  readonly question: Question;
  /** OPT record for the first message, if the asker takes one. */
  readonly opt: Uint8Array | undefined;
  /** Octets to leave free in each message. */
  readonly reserved: number;
}

/** One for all transfers: a message is written in one go. */
const writer = new MessageWriter(true);

/** A whole zone (RFC 5936 section 2.2). */
export function* wholeZone(zone: Zone): Generator<ZoneRecord> {
  const soa = soaOf(zone);
  yield soa;
  yield* recordsOf(zone);
  yield soa;
}

/** The changes of a zone, in order (RFC 1995 section 4). */
export function* changes(zone: Zone, differences: readonly Difference[]): Generator<ZoneRecord> {
  const soa = soaOf(zone);
  yield soa;
  for (const { before, after, removed, added } of differences) {
    yield before;
    yield* removed;
    yield after;
    yield* added;
  }
  yield soa;
}

/**
 * Puts records into the messages of one answer, each made when it is asked for.
 * @param limit octets of a message
 * @throws Error when a record is larger than a message can be
 */
export function* encodeMessages(records: Iterable<ZoneRecord>, envelope: Envelope, limit = MAX_MESSAGE): Generator<Buffer> {
  const { id, flags, question, opt, reserved } = envelope;
  const answerFlags = Flag.QR | Flag.AA | (flags & Flag.RD);
  let count = 0;
  let first = true;
  const begin = (): void => {
    writer.begin(limit - reserved);
    count = 0;
    if (!first) return;
    if (opt) writer.reserve(opt.length);
    writer.question(question.name, question.type, Class.IN);
  };
  const finish = (): Buffer => {
    if (first && opt) writer.append(opt);
    writer.header(id, answerFlags, first ? 1 : 0, count, 0, first && opt ? 1 : 0);
    first = false;
    return writer.take();
  };
  begin();
  for (const record of records) {
    const written = (): boolean => writer.rrset(record.name, { type: record.type, ttl: record.ttl, rdatas: [record.rdata] }) === 1;
    const full = count > 0 && writer.length >= FULL;
    if (full || !written()) {
      if (count === 0) throw new Error("a record is larger than a message");
      yield finish();
      begin();
      if (!written()) throw new Error("a record is larger than a message");
    }
    count++;
  }
  yield finish();
}
