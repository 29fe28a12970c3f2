import { Class, Opcode, Rcode, Type, HEADER_LENGTH } from "../wire/constants.ts";
import { bareAnswer } from "../wire/message.ts";
import type { Name } from "../wire/name.ts";
import { readQuery, type Question } from "../wire/query.ts";
import { AnswerSigner, readTsig, TsigError, verifyTsig, withoutTsig, type TsigKey } from "../wire/tsig.ts";
import type { Protocol, Request, Response } from "./exchange.ts";
import type { Responder } from "./responder.ts";
import type { View } from "./view.ts";

/** What a server does besides answering from its view. What is absent, or returns undefined, gets NOTIMP or REFUSED. */
export interface Services {
  /** Keys that messages may be signed with, by name. */
  readonly keys: ReadonlyMap<Name, TsigKey>;
  update?(request: Request): Response | undefined;
  notify?(request: Request): Response | undefined;
  /** Told of what has a wrong signature: the opcode, the type that it asks for, and the error of TSIG. */
  badlySigned?(request: { readonly opcode: number; readonly type: number | undefined; readonly error: number; readonly client: Uint8Array; readonly key: Name }): void;
  /** Answers AXFR and IXFR. */
  transfer?(request: Request, question: Question): Response | undefined;
}

/**
 * Answers what the tables do not. Signatures (RFC 8945) come first, whatever the message asks: a wrong one is never answered as if it were
 * none, and an answer is signed with the key of its request.
 */
export class GeneralResponder {
  private readonly responder: Responder;
  private services: Services = { keys: new Map() };

  constructor(responder: Responder) {
    this.responder = responder;
  }

  setServices(services: Services): void {
    this.services = services;
  }

  /** @returns undefined for what must not be answered at all */
  respond(view: View, octets: Uint8Array, protocol: Protocol, client: Uint8Array): Response | undefined {
    if (octets.length < HEADER_LENGTH || octets[2]! & 0x80) return undefined;
    const message = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    const tsig = readTsig(message);
    if (tsig === undefined) return this.dispatch(view, { message, protocol, client, key: undefined, reserved: 0 });
    const verified = tsig === "malformed" ? tsig : verifyTsig(message, tsig, this.services.keys, now());
    if (tsig === "malformed" || verified === "malformed") return failure(message, Rcode.FORMERR);
    const signer = new AnswerSigner(verified);
    const unsigned = withoutTsig(message, tsig);
    if (verified.error !== TsigError.NONE) this.tellBadlySigned(unsigned, verified.error, client, verified.keyName);
    const response =
      verified.error === TsigError.NONE
        ? this.dispatch(view, { message: unsigned, protocol, client, key: verified.keyName, reserved: signer.length })
        : this.responder.withOpt(failure(unsigned, Rcode.NOTAUTH), unsigned, client);
    return response && signed(response, signer);
  }

  private tellBadlySigned(message: Buffer, error: number, client: Uint8Array, key: Name): void {
    const read = readQuery(message);
    const query = read === "drop" ? undefined : read.query;
    this.services.badlySigned?.({ opcode: query?.opcode ?? Opcode.QUERY, type: query?.question?.type, error, client, key });
  }

  private dispatch(view: View, request: Request): Response | undefined {
    const { message, protocol, client, reserved } = request;
    const served = this.serve(request);
    return served ? this.responder.withOpt(served, message, client) : this.responder.respond(view, message, protocol, client, reserved);
  }

  private serve(request: Request): Response | undefined {
    const read = readQuery(request.message);
    if (read === "drop" || (read.query.edns && read.query.edns.version !== 0)) return undefined;
    const { opcode, question } = read.query;
    switch (opcode) {
      case Opcode.UPDATE:
        return this.services.update?.(request);
      case Opcode.NOTIFY:
        return this.services.notify?.(request);
      case Opcode.QUERY: {
        if (read.malformed || question?.class !== Class.IN || (question.type !== Type.AXFR && question.type !== Type.IXFR)) return undefined;
        return this.services.transfer?.(request, question);
      }
      default:
        return undefined;
    }
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

const failure = (message: Buffer, rcode: number): Response => ({ message: bareAnswer(message, rcode), rcode, type: undefined });

function signed(response: Response, signer: AnswerSigner): Response {
  const { more } = response;
  const message = signer.sign(response.message, now());
  return { ...response, message, ...(more ? { more: signedStream(more, signer) } : {}) };
}

function* signedStream(messages: Iterable<Buffer>, signer: AnswerSigner): Generator<Buffer> {
  for (const message of messages) yield signer.sign(message, now());
}
