import { exchange } from "../transport/client.ts";
import type { Endpoint } from "../transport/transport.ts";
import { Rcode, rcodeName } from "../wire/constants.ts";
import { HEADER_LENGTH } from "../wire/query.ts";
import { isSignedAnswer, signRequest, type TsigKey } from "../wire/tsig.ts";

const now = (): number => Math.floor(Date.now() / 1000);

/** The server was asked, and does not want. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/**
 * Signs a message, sends it, and waits for its answer.
 * @throws RefusedError when the server says REFUSED
 * @throws Error when it cannot be asked, or its answer is of another request, not NOERROR, or not signed with the key
 */
export async function exchangeSigned(server: Endpoint, request: Buffer, key: TsigKey, timeoutMs: number): Promise<Buffer> {
  const { message, mac } = signRequest(request, key, now());
  const answer = await exchange(server, message, { idleMs: timeoutMs, totalMs: timeoutMs });
  if (answer.length < HEADER_LENGTH || answer.readUInt16BE(0) !== request.readUInt16BE(0))
    throw new Error("the answer is of another request");
  const rcode = answer[3]! & 15;
  if (rcode === Rcode.REFUSED) throw new RefusedError("the server said REFUSED");
  if (rcode !== Rcode.NOERROR) throw new Error(`the server said ${rcodeName(rcode)}`);
  if (!isSignedAnswer(answer, key, mac, now())) throw new Error("the answer is not signed with the key");
  return answer;
}
