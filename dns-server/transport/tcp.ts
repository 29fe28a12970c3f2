import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "../wire/address.ts";
import { AnswerStreams } from "./answer-streams.ts";
import { FrameReader, frame } from "./frame.ts";
import type { Endpoint, Handler, Transport } from "./transport.ts";

export interface TcpLimits {
  /** Connections at once; more are closed at once. */
  readonly maxConnections: number;
  /** A connection on which nothing moves for so long is closed (RFC 7766 section 6.2.3). */
  readonly idleMs: number;
  /** A connection is closed when it is that old, whatever it does. */
  readonly totalMs: number;
}

export const DEFAULT_TCP_LIMITS: TcpLimits = { maxConnections: 1000, idleMs: 10_000, totalMs: 600_000 };

/** Answers that a client has not fetched; beyond it nothing more is read from that client. */
const MAX_UNSENT = 1 << 18;

/** DNS over TCP (RFC 7766): pipelined queries, each answered as it comes; answers of many messages go on between the others. */
export class TcpTransport implements Transport {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly wanted: Endpoint;
  private readonly limits: TcpLimits;
  private bound: Endpoint | undefined;

  constructor(endpoint: Endpoint, handle: Handler, limits: TcpLimits = DEFAULT_TCP_LIMITS) {
    this.wanted = endpoint;
    this.limits = limits;
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket, handle));
    this.server.maxConnections = limits.maxConnections;
  }

  /** Where it listens, known after `listen`: a port 0 has become a real one. */
  get endpoint(): Endpoint {
    return this.bound ?? this.wanted;
  }

  private accept(socket: Socket, handle: Handler): void {
    if (socket.remoteAddress === undefined) {
      socket.destroy();
      return;
    }
    const client = parseAddress(socket.remoteAddress);
    this.sockets.add(socket);
    const total = setTimeout(() => socket.destroy(), this.limits.totalMs).unref();
    socket.setTimeout(this.limits.idleMs, () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(total);
      this.sockets.delete(socket);
    });
    // a client that resets its connection is not our fault
    socket.on("error", () => socket.destroy());
    const reader = new FrameReader();
    const streams = new AnswerStreams(socket);
    socket.on("data", (chunk: Buffer) => {
      const answers: Buffer[] = [];
      for (const message of reader.push(chunk)) {
        const response = handle(message, client);
        // what must not be answered ends the connection: the peer does not speak DNS
        if (!response) {
          socket.destroy();
          return;
        }
        answers.push(frame(response.message));
        if (response.more) streams.add(response.more);
      }
      if (answers.length === 0) return;
      socket.write(Buffer.concat(answers));
      if (socket.writableLength > MAX_UNSENT) {
        socket.pause();
        socket.once("drain", () => socket.resume());
      }
    });
  }

  async listen(): Promise<void> {
    this.server.listen({ port: this.wanted.port, host: this.wanted.address, ipv6Only: true, backlog: 512 });
    await once(this.server, "listening");
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has an address once it listens");
    this.bound = { address: this.wanted.address, port: address.port };
  }

  async close(): Promise<void> {
    if (!this.bound) return;
    this.bound = undefined;
    const closed = once(this.server, "close");
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
