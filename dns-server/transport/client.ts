import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { HEADER_LENGTH } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { FrameReader, frame } from "./frame.ts";

/** What this server asks of others. */

/** How long an exchange may take, milliseconds. */
export interface Patience {
  /** Without anything arriving. */
  readonly idleMs: number;
  /** Altogether. */
  readonly totalMs: number;
  /** Gives up at once. */
  readonly signal?: AbortSignal;
}

/**
 * Sends one message over TCP and yields what comes back, message by message; the reader decides when it has seen enough.
 * @throws the system's error, or one that says that the server gave up or took too long
 */
export async function* converse(server: Endpoint, message: Uint8Array, { idleMs, totalMs, signal }: Patience): AsyncGenerator<Buffer> {
  signal?.throwIfAborted();
  const socket = connect({ port: server.port, host: server.address, noDelay: true });
  const giveUp = (): void => void socket.destroy(new Error("no answer in time"));
  const total = setTimeout(giveUp, totalMs);
  const abort = (): void => void socket.destroy(new Error("aborted"));
  signal?.addEventListener("abort", abort);
  socket.setTimeout(idleMs, giveUp);
  const reader = new FrameReader();
  try {
    socket.write(frame(message));
    for await (const chunk of socket) yield* reader.push(chunk as Buffer);
    throw new Error("the server closed the connection");
  } finally {
    clearTimeout(total);
    signal?.removeEventListener("abort", abort);
    socket.destroy();
  }
}

/**
 * Sends one datagram and waits for an answer to it.
 * @param from address to send from, of the server's family; the system's choice when absent
 * @throws the system's error, or an AbortError when the signal comes first
 */
export async function exchangeDatagram(server: Endpoint, message: Buffer, signal: AbortSignal, from?: string): Promise<Buffer> {
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  // errors are those of the waits below; one in between is lost like any datagram
  socket.on("error", () => {});
  try {
    socket.bind(0, from);
    await once(socket, "listening", { signal });
    // connected: the kernel passes on nothing from others, and tells when nobody listens there
    socket.connect(server.port, server.address);
    await once(socket, "connect", { signal });
    socket.send(message);
    for (;;) {
      const [answer] = (await once(socket, "message", { signal })) as [Buffer];
      if (answer.length >= HEADER_LENGTH && answer.readUInt16BE(0) === message.readUInt16BE(0) && answer[2]! & 0x80) return answer;
    }
  } finally {
    socket.close();
  }
}
