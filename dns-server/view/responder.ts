import { Class, EDNS_DO, Flag, Opcode, Rcode, Type } from '../wire/constants.ts';
import { foldName, isSubdomain } from '../wire/name.ts';
import { readQuery, type Query } from '../wire/query.ts';
import { MessageWriter } from '../wire/writer.ts';
import { lookup, type Answer } from '../zone/lookup.ts';
import type { OwnedRRset, RRset } from '../zone/zone.ts';
import { findZone, type View } from './view.ts';

/** How a query came in. */
export type Protocol = 'udp' | 'tcp';

/** A message to send back, and what the metrics need of it. */
export interface Response {
  readonly message: Buffer;
  readonly rcode: number;
  readonly type: number | undefined;
}

/** The UDP answers that this server sends are no larger (RFC 9715), whatever the asker would take. */
export const MAX_UDP_PAYLOAD = 1232;
const MAX_MESSAGE = 0xffff;
const OPT_LENGTH = 11;

/** Turns queries into answers: pure but for the random start of the rotation. One for each thread, since it writes into one buffer. */
export class Responder {
  private readonly writer = new MessageWriter();
  private readonly random: () => number;

  /** @param random numbers from 0 up to but not including 1 */
  constructor(random: () => number = Math.random) {
    this.random = random;
  }

  /** @returns undefined for what must not be answered at all */
  respond(view: View, message: Uint8Array, protocol: Protocol): Response | undefined {
    const read = readQuery(message);
    if (read === 'drop') return undefined;
    const { query } = read;
    const limit = protocol === 'tcp' ? MAX_MESSAGE : query.edns ? Math.min(query.edns.payloadSize, MAX_UDP_PAYLOAD) : 512;
    return this.write(query, this.decide(view, query, read.malformed), limit);
  }

  private decide(view: View, query: Query, malformed: boolean): Answer {
    if (query.opcode !== Opcode.QUERY) return failure(Rcode.NOTIMP);
    if (malformed || !query.question) return failure(Rcode.FORMERR);
    if (query.edns && query.edns.version !== 0) return failure(Rcode.BADVERS);
    const { name, type, class: qclass } = query.question;
    if (type === Type.MAILA || type === Type.MAILB) return failure(Rcode.NOTIMP);
    if (type === Type.OPT || type === Type.TSIG || type === Type.TKEY) return failure(Rcode.FORMERR);
    if (qclass !== Class.IN || type === Type.AXFR || type === Type.IXFR) return failure(Rcode.REFUSED);
    const zone = findZone(view, name, type);
    if (zone) return lookup(zone, foldName(name), type);
    const folded = foldName(name);
    return failure(view.loading.some((origin) => isSubdomain(folded, origin)) ? Rcode.SERVFAIL : Rcode.REFUSED);
  }

  private write(query: Query, answer: Answer, limit: number): Response {
    const { writer } = this;
    const { question, edns } = query;
    writer.begin(limit);
    if (edns) writer.reserve(OPT_LENGTH);
    if (question) writer.question(question.name, question.type, question.class);
    let flags = Flag.QR | (query.flags & (0x7800 | Flag.RD | Flag.CD)) | (answer.rcode & 15);
    if (answer.authoritative) flags |= Flag.AA;

    let truncated = false;
    const section = (sets: readonly OwnedRRset[]): number => {
      let count = 0;
      for (const { owner, rrset } of sets) {
        if (truncated) break;
        const written = writer.rrset(owner, rrset, this.order(rrset));
        truncated = written === 0;
        count += written;
      }
      return count;
    };
    const answers = section(answer.answer);
    const authority = section(answer.authority);
    let additional = section(answer.glue);
    if (truncated) flags |= Flag.TC;
    else for (const { owner, rrset } of answer.additional) additional += writer.rrset(owner, rrset);
    if (edns) {
      writer.append(optRecord(answer.rcode, edns.dnssecOk));
      additional++;
    }
    writer.header(query.id, flags, question ? 1 : 0, answers, authority, additional);
    return { message: writer.take(), rcode: answer.rcode, type: question?.type };
  }

  /**
   * Which records of an RRset to give, and in which order: from anywhere in the ring on, so that each comes equally often. At random, since a
   * counter would fall into step with askers that always ask for A and AAAA in turn.
   */
  private order(rrset: RRset): readonly number[] | undefined {
    const size = rrset.rdatas.length;
    if (size === 1) return undefined;
    const start = Math.floor(this.random() * size);
    return Array.from({ length: Math.min(size, rrset.maxAnswers ?? size) }, (_, i) => (start + i) % size);
  }
}

const failure = (rcode: number): Answer => ({ rcode, authoritative: false, answer: [], authority: [], glue: [], additional: [] });

function optRecord(rcode: number, dnssecOk: boolean): Uint8Array {
  const record = Buffer.alloc(OPT_LENGTH);
  record.writeUInt16BE(Type.OPT, 1);
  record.writeUInt16BE(MAX_UDP_PAYLOAD, 3);
  record[5] = rcode >> 4;
  record.writeUInt16BE(dnssecOk ? EDNS_DO : 0, 7);
  return record;
}
