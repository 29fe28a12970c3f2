import type { Session } from "../transport/session.ts";
import { Rcode, rcodeName } from "../wire/constants.ts";
import { isSignedAnswer, signatureFault, signRequest, type TsigKey } from "../wire/tsig.ts";

const now = (): number => Math.floor(Date.now() / 1000);

/** The server says, by a signed answer, why not. */
export class RcodeError extends Error {
  override readonly name = "RcodeError";
  readonly rcode: number;

  /** @param fault what it says is wrong with the signature */
  constructor(rcode: number, fault?: string) {
    super(`the server said ${rcodeName(rcode)}${fault === undefined ? "" : `, ${fault}`}`);
    this.rcode = rcode;
  }
}

/**
 * Signs a message, sends it, and waits for its answer.
 * @param request with an id of the session's
 * @throws RcodeError when the answer is not NOERROR
 * @throws Error when the server cannot be asked, or its answer is not signed with the key
 */
export async function exchangeSigned(session: Session, request: Buffer, key: TsigKey, timeoutMs: number): Promise<Buffer> {
  const { message, mac } = signRequest(request, key, now());
  const answer = await session.exchange(message, timeoutMs);
  const rcode = answer[3]! & 15;
  if (!isSignedAnswer(answer, key, mac, now())) {
    // such as NOTAUTH to a key that it does not know
    const fault = signatureFault(answer);
    const said = rcode === Rcode.NOERROR ? "" : `: the server said ${rcodeName(rcode)}${fault === undefined ? "" : `, ${fault}`}`;
    throw new Error(`the answer is not signed with the key${said}`);
  }
  if (rcode !== Rcode.NOERROR) throw new RcodeError(rcode, signatureFault(answer));
  return answer;
}
