import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Handler } from "../view/exchange.ts";
import { parseAddress } from "../wire/address.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Transport } from "./transport.ts";

const SOCKET_BUFFER = 1 << 20;

/** Plain UDP by `node:dgram`. */
export class UdpTransport implements Transport {
  private readonly socket: Socket;
  private readonly endpoint: Endpoint;
  private listening = false;

  constructor(endpoint: Endpoint, handle: Handler) {
    this.endpoint = endpoint;
    const ipv6 = endpoint.address.includes(":");
    // the buffer sizes are a wish: the kernel caps them
    const buffers = { recvBufferSize: SOCKET_BUFFER, sendBufferSize: SOCKET_BUFFER };
    this.socket = createSocket({ type: ipv6 ? "udp6" : "udp4", ipv6Only: ipv6, ...buffers });
    this.socket.on("message", (message, peer) => {
      // nobody asks from port 0; an answer to it would be an error, or a reflected attack
      if (peer.port === 0) return;
      const response = handle(message, parseAddress(peer.address));
      if (response) this.socket.send(response.message, peer.port, peer.address, ignoreSendError);
    });
  }

  async listen(): Promise<void> {
    this.socket.bind(this.endpoint.port, this.endpoint.address);
    await once(this.socket, "listening");
    // after the start errors of a socket are those of single datagrams, and UDP promises nothing
    this.socket.on("error", ignoreSendError);
    this.listening = true;
  }

  async close(): Promise<void> {
    if (!this.listening) return;
    this.listening = false;
    const closed = once(this.socket, "close");
    this.socket.close();
    await closed;
  }
}

const ignoreSendError = (): void => {};
