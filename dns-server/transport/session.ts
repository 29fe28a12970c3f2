import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { HEADER_LENGTH } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { FrameReader, frame } from "./frame.ts";

interface Waiting {
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A connection, and what is under way on it. */
interface Connection {
  readonly socket: Socket;
  readonly waiting: Map<number, Waiting>;
}

/** One TCP connection to a server, made when there is something to say, on which many messages may be under way (RFC 7766 section 6.2.1). */
export class Session {
  private readonly server: Endpoint;
  private connection: Connection | undefined;
  private lastId = randomInt(0x10000);

  constructor(server: Endpoint) {
    this.server = server;
  }

  /** An id that no message has that is under way. */
  newId(): number {
    do this.lastId = (this.lastId + 1) & 0xffff;
    while (this.connection?.waiting.has(this.lastId));
    return this.lastId;
  }

  /**
   * Sends a message and waits for the answer to it.
   * @param message with an id of `newId`
   * @throws the system's error, or one that says that the server gave up or took too long: then the connection is given up
   */
  exchange(message: Buffer, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const { socket, waiting } = (this.connection ??= this.open());
      const timer = setTimeout(() => socket.destroy(new Error("no answer in time")), timeoutMs);
      waiting.set(message.readUInt16BE(0), { resolve, reject, timer });
      socket.write(frame(message));
    });
  }

  /** Ends the connection; what is under way fails. */
  close(): void {
    this.connection?.socket.destroy();
    this.connection = undefined;
  }

  private open(): Connection {
    const socket = connect({ port: this.server.port, host: this.server.address, noDelay: true });
    const waiting = new Map<number, Waiting>();
    const connection = { socket, waiting };
    const reader = new FrameReader();
    let fault = new Error("the server closed the connection");
    const leave = (): void => {
      if (this.connection === connection) this.connection = undefined;
    };
    socket.on("data", (chunk: Buffer) => {
      for (const answer of reader.push(chunk)) take(waiting, answer);
    });
    // at once, so that nothing more is sent on it
    socket.on("end", leave);
    socket.on("error", (error) => {
      leave();
      fault = error;
    });
    socket.on("close", () => {
      leave();
      for (const { reject, timer } of waiting.values()) {
        clearTimeout(timer);
        reject(fault);
      }
      waiting.clear();
    });
    return connection;
  }
}

function take(waiting: Connection["waiting"], answer: Buffer): void {
  if (answer.length < HEADER_LENGTH) return;
  const id = answer.readUInt16BE(0);
  const found = waiting.get(id);
  if (!found) return;
  waiting.delete(id);
  clearTimeout(found.timer);
  found.resolve(answer);
}
