import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { parseAddress } from "../wire/address.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Transport } from "./transport.ts";

/** How long connections may last, and who may have one. */
export interface StreamLimits {
  /** A connection on which nothing is got done for so long is closed (RFC 7766 section 6.2.3). */
  readonly idleMs: number;
  /** A connection is closed when it is that old, whatever it does. */
  readonly totalMs: number;
  /**
   * Takes a place for a client (its address in octets).
   * @param evict closes the connection, when another is to have its place
   * @returns what gives the place back; undefined: it gets none
   */
  enter(client: Uint8Array, evict: () => void): (() => void) | undefined;
}

/** For as many connections as come. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = { idleMs: 10_000, totalMs: 600_000, enter: () => () => {} };

/** Takes in TCP connections within limits, for whatever is spoken on them. */
export class Listener implements Transport {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly wanted: Endpoint;
  private readonly limits: StreamLimits;
  private bound: Endpoint | undefined;

  /** @param accept given each connection that has a place, and the octets of the client's address */
  constructor(endpoint: Endpoint, limits: StreamLimits, accept: (socket: Socket, client: Uint8Array) => void) {
    this.wanted = endpoint;
    this.limits = limits;
    this.server = createServer({ noDelay: true }, (socket) => {
      const client = this.admit(socket);
      if (client) accept(socket, client);
      else socket.destroy();
    });
  }

  /** Where it listens, known after `listen`: a port 0 has become a real one. */
  get endpoint(): Endpoint {
    return this.bound ?? this.wanted;
  }

  private admit(socket: Socket): Uint8Array | undefined {
    // a client that resets its connection is not our fault
    socket.on("error", () => socket.destroy());
    // one that has reset it already has no address any more
    if (socket.remoteAddress === undefined) return undefined;
    const client = parseAddress(socket.remoteAddress);
    const leave = this.limits.enter(client, () => socket.destroy());
    if (!leave) return undefined;
    this.sockets.add(socket);
    const total = setTimeout(() => socket.destroy(), this.limits.totalMs).unref();
    socket.on("close", () => {
      clearTimeout(total);
      this.sockets.delete(socket);
      leave();
    });
    return client;
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
