import { Budget } from "../dnssec/budget.ts";
import { Class, EdnsOption, Flag, Opcode, Rcode, Type, HEADER_LENGTH } from "../wire/constants.ts";
import { ExtendedError, MAX_UDP_PAYLOAD, optRecord, PLAIN_UDP_PAYLOAD, type Identity } from "../wire/edns.ts";
import { foldName, isSubdomain, type Name } from "../wire/name.ts";
import { readQuery, type Query } from "../wire/query.ts";
import { MessageWriter } from "../wire/writer.ts";
import { lookup, type Answer } from "../zone/lookup.ts";
import type { OwnedRRset, RRset } from "../zone/node.ts";
import type { Zone } from "../zone/zone.ts";
import type { Protocol, Response } from "./exchange.ts";
import { findZone, isInCloserZone, type View } from "./view.ts";

const MAX_MESSAGE = 0xffff;

/**
 * Signatures a second for names that askers invent, over UDP and over streams. A flood of them costs some percent of a core and no more:
 * beyond, UDP gets TC, which an asker with a forged address cannot follow, and a stream SERVFAIL.
 */
const INVENTED_SIGNATURES = 2000;

/** An answer that was decided, and the reason to give for it. */
interface Decision {
  readonly answer: Answer;
  readonly extendedError?: number;
  /** Nothing of the answer is given, so that the asker comes again over TCP. */
  readonly truncated?: boolean;
  /** The answer is of a signed zone, for an asker who can tell. */
  readonly signed?: boolean;
}

/** Turns queries into answers: pure but for the random start of the rotation. One for each thread, since it writes into one buffer. */
export class Responder {
  private readonly writer = new MessageWriter();
  private readonly identity: Identity;
  private readonly random: () => number;
  private readonly budgets = { udp: new Budget(INVENTED_SIGNATURES), stream: new Budget(INVENTED_SIGNATURES) };

  /** @param random numbers from 0 up to but not including 1 */
  constructor(identity: Identity, random: () => number = Math.random) {
    this.identity = identity;
    this.random = random;
  }

  /**
   * @param client octets of the asker's address
   * @param reserved octets that the answer leaves free, for a signature
   * @returns undefined for what must not be answered at all
   */
  respond(view: View, message: Uint8Array, protocol: Protocol, client: Uint8Array, reserved = 0): Response | undefined {
    const read = readQuery(message);
    if (read === "drop") return undefined;
    const { query } = read;
    const decision = this.decide(view, query, read.malformed, protocol);
    const opt = query.edns && optRecord(query.edns, this.identity, client, decision.answer.rcode, decision.extendedError, decision.signed);
    const udpLimit = query.edns ? Math.min(query.edns.payloadSize, MAX_UDP_PAYLOAD) : PLAIN_UDP_PAYLOAD;
    return this.write(query, decision, (protocol === "udp" ? udpLimit : MAX_MESSAGE) - reserved, opt);
  }

  /** Adds the OPT record that is due for that of the request (RFC 6891 section 6.1.1) to an answer without records. */
  withOpt(response: Response, request: Uint8Array, client: Uint8Array): Response {
    const { message, rcode } = response;
    const hasRecords = message.subarray(6, HEADER_LENGTH).some((octet) => octet !== 0);
    const read = hasRecords ? "drop" : readQuery(request);
    if (read === "drop" || !read.query.edns) return response;
    const answer = Buffer.concat([message, optRecord(read.query.edns, this.identity, client, rcode, undefined)]);
    answer.writeUInt16BE(1, 10);
    return { ...response, message: answer };
  }

  private decide(view: View, query: Query, malformed: boolean, protocol: Protocol): Decision {
    const { question, edns } = query;
    if (edns && edns.version !== 0) return failure(Rcode.BADVERS);
    if (query.opcode !== Opcode.QUERY) return failure(Rcode.NOTIMP, ExtendedError.NOT_SUPPORTED);
    if (malformed) return failure(Rcode.FORMERR);
    // a query without a question asks for a cookie (RFC 7873 section 5.4)
    if (!question) return failure(edns?.options.has(EdnsOption.COOKIE) ? Rcode.NOERROR : Rcode.FORMERR);
    const { name, type, class: qclass } = question;
    if (type === Type.MAILA || type === Type.MAILB) return failure(Rcode.NOTIMP, ExtendedError.NOT_SUPPORTED);
    if (type === Type.OPT || type === Type.TSIG || type === Type.TKEY) return failure(Rcode.FORMERR);
    // RFC 9824 section 3.5
    if (type === Type.NXNAME) return failure(Rcode.FORMERR, ExtendedError.INVALID_QUERY_TYPE);
    if (qclass !== Class.IN) return failure(Rcode.REFUSED, ExtendedError.NOT_AUTHORITATIVE);
    const folded = foldName(name);
    // RFC 5936 section 2.2.1
    if (type === Type.AXFR || type === Type.IXFR) {
      const isHere = view.zones.has(folded) || view.loading.includes(folded);
      return isHere ? failure(Rcode.REFUSED, ExtendedError.PROHIBITED) : failure(Rcode.NOTAUTH, ExtendedError.NOT_AUTHORITATIVE);
    }
    const zone = findZone(view, name, type);
    if (zone) return this.lookUp(view, zone, folded, type, edns, protocol);
    const loading = view.loading.some((origin) => isSubdomain(folded, origin));
    return loading ? failure(Rcode.SERVFAIL, ExtendedError.NOT_READY) : failure(Rcode.REFUSED, ExtendedError.NOT_AUTHORITATIVE);
  }

  /** Answers from a zone, and from the ones below it that its aliases lead into. */
  private lookUp(view: View, zone: Zone, name: Name, type: number, edns: Query["edns"], protocol: Protocol): Decision {
    const isElsewhere = (at: Name): boolean => isInCloserZone(view.zones, at, zone.origin);
    const signer = edns?.dnssecOk ? view.signers?.get(zone.origin) : undefined;
    const budget = protocol === "udp" ? this.budgets.udp : this.budgets.stream;
    const answer = signer
      ? signer.answer(zone, name, type, edns!.compactOk, budget, isElsewhere)
      : lookup(zone, name, type, isElsewhere, (rrset) => this.choose(rrset));
    if (!answer) return protocol === "udp" ? { ...failure(Rcode.NOERROR), truncated: true } : failure(Rcode.SERVFAIL);
    const decision = signer ? { answer, signed: true } : { answer };
    const at = answer.goesOnAt;
    // each time the zone is a closer one: this comes to an end
    if (at === undefined) return decision;
    const next = this.lookUp(view, findZone(view, at, type)!, at, type, edns, protocol);
    const isGiven = next.answer.authoritative || next.answer.authority.length > 0;
    return isGiven ? { ...decision, ...next, answer: { ...next.answer, authoritative: true, answer: [...answer.answer, ...next.answer.answer] } } : next;
  }

  private write(query: Query, decision: Decision, limit: number, opt: Uint8Array | undefined): Response {
    const { writer } = this;
    const { question } = query;
    const { answer } = decision;
    writer.begin(limit);
    if (opt) writer.reserve(opt.length);
    if (question) writer.question(question.name, question.type, question.class);
    let flags = Flag.QR | (query.flags & (0x7800 | Flag.RD | Flag.CD)) | (answer.rcode & 15);
    if (answer.authoritative) flags |= Flag.AA;

    let truncated = decision.truncated ?? false;
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
    else for (const { owner, rrset } of answer.additional) additional += writer.rrset(owner, rrset, this.order(rrset));
    if (opt) {
      writer.append(opt);
      additional++;
    }
    writer.header(query.id, flags, question ? 1 : 0, answers, authority, additional);
    return { message: writer.take(), rcode: answer.rcode, type: question?.type };
  }

  /** What is given of a large RRset: chosen first, so that nothing is looked up for what is not given. */
  private choose(rrset: RRset): RRset {
    const { type, ttl, rdatas, maxAnswers = Infinity } = rrset;
    return rdatas.length > maxAnswers ? { type, ttl, rdatas: this.order(rrset)!.map((index) => rdatas[index]!) } : rrset;
  }

  /**
   * Which records of an RRset to give, and in which order: from anywhere in the ring on, so that each comes equally often. At random,
   * since a
   * counter would fall into step with askers that always ask for A and AAAA in turn.
   */
  private order(rrset: RRset): readonly number[] | undefined {
    const size = rrset.rdatas.length;
    if (size === 1) return undefined;
    const start = Math.floor(this.random() * size);
    return Array.from({ length: Math.min(size, rrset.maxAnswers ?? size) }, (_, i) => (start + i) % size);
  }
}

function failure(rcode: number, extendedError?: number): Decision {
  const answer: Answer = { rcode, authoritative: false, answer: [], authority: [], glue: [], additional: [] };
  return extendedError === undefined ? { answer } : { answer, extendedError };
}
