import type { Session } from "../transport/session.ts";
import { Class, Rcode, Type } from "../wire/constants.ts";
import { foldName, readName, type Name } from "../wire/name.ts";
import { formatRdata, isWellFormed } from "../wire/rdata.ts";
import { RecordCursor } from "../wire/records.ts";
import { soaSerial } from "../wire/soa.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { MessageWriter } from "../wire/writer.ts";
import type { NameServer } from "../zone/name-server.ts";
import { exchangeSigned, RcodeError } from "./signed-exchange.ts";

const writer = new MessageWriter();

/**
 * Asks a server of the parent zone to whom it delegates a name: the NS records of its referral, with their glue (RFC 1034 section 4.2.1).
 * @param domain folded
 * @throws Error as `exchangeSigned`, or when the answer is not well-formed
 */
export async function askDelegation(session: Session, domain: Name, key: TsigKey, timeoutMs: number): Promise<NameServer[]> {
  try {
    return readReferral(await exchangeSigned(session, question(session.newId(), domain, Type.NS), key, timeoutMs), domain);
  } catch (error) {
    // nobody, or nobody any more
    if (error instanceof RcodeError && error.rcode === Rcode.NXDOMAIN) return [];
    throw error;
  }
}

/**
 * Asks for the serial of a zone: while it is the same nothing in the zone has changed.
 * @param zone folded
 * @throws Error as `exchangeSigned`, or when there is no SOA in the answer
 */
export async function askSerial(session: Session, zone: Name, key: TsigKey, timeoutMs: number): Promise<number> {
  const answer = await exchangeSigned(session, question(session.newId(), zone, Type.SOA), key, timeoutMs);
  const cursor = new RecordCursor(answer);
  while (cursor.next() && cursor.section === "answer") {
    const rdata = cursor.type === Type.SOA ? cursor.rdata() : undefined;
    if (rdata && isWellFormed(Type.SOA, rdata)) return soaSerial(rdata);
  }
  throw new Error("the answer has no SOA record");
}

function question(id: number, name: Name, type: number): Buffer {
  writer.begin(0xffff);
  writer.question(name, type, Class.IN);
  writer.header(id, 0, 1, 0, 0, 0);
  return writer.take();
}

function readReferral(message: Buffer, domain: Name): NameServer[] {
  const servers = new Map<Name, { name: Name; addresses: string[] }>();
  const cursor = new RecordCursor(message);
  const malformed = (): Error => new Error("the answer is not well-formed");
  while (cursor.next()) {
    const { section, type } = cursor;
    if (section === "answer" || (type !== Type.NS && type !== Type.AAAA && type !== Type.A)) continue;
    const [owner, rdata] = [cursor.owner(), cursor.rdata()];
    if (owner === undefined || !rdata) throw malformed();
    if (type !== Type.NS) servers.get(foldName(owner))?.addresses.push(formatRdata(type, rdata));
    else if (foldName(owner) === domain) {
      const { name } = readName(rdata, 0)!;
      servers.set(foldName(name), { name, addresses: [] });
    }
  }
  if (cursor.isBroken) throw malformed();
  return [...servers.values()];
}
