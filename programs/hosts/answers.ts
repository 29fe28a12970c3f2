import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Waits until an SSH server greets.
 * @param address IPv6
 * @param seconds how long it is tried; at least once
 * @returns why it did not at last; undefined once it has
 */
export async function silence(address: string, seconds: number, port = 22): Promise<string | undefined> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const why = await faultOf(address, port, Math.min(3_000, Math.max(1_000, deadline - Date.now())));
    if (why === undefined || Date.now() + 500 >= deadline) return why;
    await sleep(500);
  }
}

/** What is wrong with the SSH server at an address, by its greeting, which is waited for some milliseconds; undefined if nothing is. */
export function faultOf(host: string, port: number, timeout: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (why: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    // Of the whole: a server that takes connections and then says nothing is none.
    const timer = setTimeout(() => end("no answer"), timeout);
    socket.once("data", (data) => end(data.toString("latin1").startsWith("SSH-") ? undefined : "what answers is no SSH server"));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED" ? "no SSH server listens" : error.message));
    socket.once("close", () => end("the SSH server hung up"));
  });
}
