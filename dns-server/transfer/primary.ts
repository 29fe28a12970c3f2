import { randomInt } from "node:crypto";
import { converse } from "../transport/client.ts";
import { Class, Type } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Name } from "../wire/name.ts";
import { AnswerVerifier, signatureFault, signRequest, type TsigKey } from "../wire/tsig.ts";
import { MessageWriter } from "../wire/writer.ts";
import { serialOf } from "../zone/content.ts";
import type { Zone } from "../zone/zone.ts";
import { IncomingTransfer, RefusedError } from "./incoming.ts";

/** Without anything from the primary, and for a whole transfer, milliseconds. */
const IDLE_MS = 10_000;
const TOTAL_MS = 600_000;

export interface Fetched {
  readonly kind: "axfr" | "ixfr";
  /** undefined: what is there already is the latest. */
  readonly zone: Zone | undefined;
  /** Serial of the version that the primary has, where it is an earlier one than what is there. */
  readonly earlier?: number;
}

const now = (): number => Math.floor(Date.now() / 1000);
const writer = new MessageWriter();

/** A question for the zone; for an IXFR with the SOA of the version that is there already. */
function encodeRequest(id: number, origin: Name, current: Zone | undefined): Buffer {
  writer.begin(0xffff);
  writer.question(origin, current ? Type.IXFR : Type.AXFR, Class.IN);
  const authority = current ? writer.rrset(current.soa.owner, current.soa.rrset) : 0;
  writer.header(id, 0, 1, 0, authority, 0);
  return writer.take();
}

/**
 * Fetches one zone by AXFR, or by IXFR when there is an earlier version.
 * @param key that the primary must sign with; undefined: nothing is signed
 * @throws RefusedError when the primary does not give it, Error for everything else that is wrong with it or its answer
 */
async function fetchOnce(
  server: Endpoint,
  origin: Name,
  current: Zone | undefined,
  isIncremental: boolean,
  key: TsigKey | undefined,
  signal: AbortSignal,
): Promise<Fetched> {
  const id = randomInt(0x10000);
  const request = encodeRequest(id, origin, isIncremental ? current : undefined);
  const signed = key && signRequest(request, key, now());
  const verifier = key && signed && new AnswerVerifier(key, signed.mac);
  const incoming = new IncomingTransfer(origin, current);
  for await (const message of converse(server, signed?.message ?? request, { idleMs: IDLE_MS, totalMs: TOTAL_MS, signal })) {
    const fault = verifier && signatureFault(message);
    if (fault !== undefined) throw new RefusedError(`it said NOTAUTH, ${fault}`);
    if (verifier && !verifier.take(message, now())) {
      // who refuses may not know the key to sign with
      const rcode = message.length > 3 ? message[3]! & 15 : 0;
      if (rcode !== 0) incoming.take(message, id);
      throw new Error("the answer is not signed with the key");
    }
    incoming.take(message, id);
    if (incoming.done && (!verifier || verifier.complete)) break;
  }
  const kind = incoming.isIncremental ? "ixfr" : "axfr";
  const zone = incoming.zone();
  const isEarlier = !zone && current !== undefined && incoming.serial !== serialOf(current);
  return isEarlier ? { kind, zone, earlier: incoming.serial } : { kind, zone };
}

/** Fetches the latest version of a zone: the changes since `current` where the primary gives them, else the whole. @throws as above */
export async function fetchZone(
  server: Endpoint,
  origin: Name,
  current: Zone | undefined,
  key: TsigKey | undefined,
  signal: AbortSignal,
): Promise<Fetched> {
  try {
    return await fetchOnce(server, origin, current, current !== undefined, key, signal);
  } catch (error) {
    // changes that are refused, or do not fit what is there: the whole zone may do; a primary that is away is asked again later
    if (!current || (error instanceof Error && "code" in error) || signal.aborted) throw error;
    return await fetchOnce(server, origin, current, false, key, signal);
  }
}

