import type { Socket } from "node:net";
import type { Handler } from "../view/exchange.ts";
import { AnswerStreams } from "./answer-streams.ts";
import { FrameReader, frame } from "./frame.ts";
import { TURN_MS, Turns } from "./turns.ts";

/** Answers that a client has not fetched, in octets; beyond it nothing more is read from that client. */
const MAX_UNSENT = 1 << 18;
/** And in one turn: the kernel's work for them is not seen here. */
const MAX_TURN = 1 << 16;
const NOTHING = Buffer.alloc(0);
/** A connection that once had more to be answered than fits into a turn waits for its turns until it has been quiet for so long. */
const HEAVY_MS = 100;

/** Shared by all connections. */
const turns = new Turns();

/**
 * Answers the messages of one connection (RFC 7766, and RFC 7858 on a TLS socket): pipelined queries, each answered as it comes; answers of
 * many messages go on between the others.
 * @param client octets of its address
 * @param idleMs a connection on which nothing moves for so long, or a message takes so long to come, is closed
 */
export function serveStream(socket: Socket, client: Uint8Array, handle: Handler, idleMs: number): void {
  const reader = new FrameReader();
  const streams = new AnswerStreams(socket);
  let deadline: NodeJS.Timeout | undefined;
  /** When it last had to wait for a turn. */
  let heavyAt = -Infinity;
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("close", () => clearTimeout(deadline));

  const take = (chunk: Buffer): void => {
    if (performance.now() - heavyAt > HEAVY_MS) answer(chunk);
    else wait(chunk);
  };
  const wait = (chunk: Buffer): void => {
    heavyAt = performance.now();
    socket.pause();
    turns.later(() => goOn(chunk));
  };
  const goOn = (chunk: Buffer): void => {
    if (socket.destroyed) return;
    socket.resume();
    answer(chunk);
  };
  const answer = (chunk: Buffer): void => {
    const answers: Buffer[] = [];
    let size = 0;
    let isOver = false;
    const start = performance.now();
    for (const message of reader.push(chunk)) {
      const response = handle(message, client);
      if (!response) {
        end(answers);
        return;
      }
      answers.push(frame(response.message));
      size += response.message.length;
      if (response.more) streams.add(response.more);
      // the other messages stay with the reader
      // not because the system was busy with others while the last was answered
      isOver = (size > MAX_TURN || performance.now() - start > TURN_MS / 2) && reader.hasWhole;
      if (isOver || size > MAX_UNSENT) break;
    }
    watchMessage(answers.length > 0);
    if (answers.length > 0) socket.write(Buffer.concat(answers));
    if (size > MAX_UNSENT || socket.writableLength > MAX_UNSENT) {
      heavyAt = performance.now();
      socket.pause();
      const later = (): void => turns.later(() => goOn(NOTHING));
      if (socket.writableNeedDrain) socket.once("drain", later);
      else later();
    } else if (isOver) wait(NOTHING);
  };
  /** What must not be answered ends the connection: the peer speaks no DNS, or is not to be spoken to. What came before is answered. */
  const end = (answers: readonly Buffer[]): void => {
    if (answers.length === 0) {
      socket.destroy();
      return;
    }
    // read to its end, unheard: or the system would reset the connection, and the answers with it
    socket.off("data", take);
    socket.end(Buffer.concat(answers));
  };
  /** A client that sends octet by octet is never idle, but its message has to come to an end. */
  const watchMessage = (progress: boolean): void => {
    if (progress || !reader.isInside) {
      clearTimeout(deadline);
      deadline = undefined;
    }
    if (reader.isInside) deadline ??= setTimeout(() => socket.destroy(), idleMs).unref();
  };
  socket.on("data", take);
}
