import type { Handler } from "../view/exchange.ts";
import { MAX_BARE_ANSWER } from "./bare-answer.ts";
import { PASS, type Guard } from "./guard.ts";

/** A handler with a guard before it. @param proven whether the source of a query is beyond doubt, as that of a connection */
export function guarded(guard: Guard, proven: boolean, handle: Handler): Handler {
  const scratch = Buffer.alloc(MAX_BARE_ANSWER);
  return (message, client) => {
    if (!guard.active) return handle(message, client);
    const now = Date.now();
    const length = proven
      ? guard.refuse(message, 0, message.length, scratch, 0, client, 0, client.length, now)
      : guard.check(message, 0, message.length, scratch, 0, client, 0, client.length, now);
    if (length === PASS) return handle(message, client);
    if (length === 0) return undefined;
    return { message: Buffer.from(scratch.subarray(0, length)), rcode: scratch[3]! & 15, type: undefined };
  };
}
