import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { unexpected } from "../runtime/unexpected.ts";
import { frame } from "./frame.ts";

/** Answers of many messages that may wait on one connection; a peer that asks for more without reading is not served. */
const MAX_WAITING = 16;

/**
 * Sends answers of many messages (zone transfers) on a connection: one after another, each message made when the peer has room for it, and
 * the event loop served in between. Other answers may go between the messages.
 */
export class AnswerStreams {
  private readonly socket: Socket;
  private readonly waiting: Iterable<Buffer>[] = [];
  private running = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** @param messages are not read to the end, but closed, when the connection ends before */
  add(messages: Iterable<Buffer>): void {
    if (this.waiting.length === MAX_WAITING) {
      this.socket.destroy();
      return;
    }
    this.waiting.push(messages);
    if (this.running) return;
    this.run().catch((error: unknown) => {
      unexpected("transfer", error);
      this.socket.destroy();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    for (let messages = this.waiting.shift(); messages; messages = this.waiting.shift()) {
      // the first message of the answer is being sent by the caller
      await setImmediate();
      for (const message of messages) {
        if (this.socket.destroyed) break;
        if (this.socket.write(frame(message))) await setImmediate();
        else await drained(this.socket);
      }
    }
    this.running = false;
  }
}

/** Waits until a socket takes more, or has ended. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}
