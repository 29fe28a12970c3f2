import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Handler } from "../view/exchange.ts";
import { parseAddress } from "../wire/address.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import type { Certificate } from "./certificate.ts";
import { DEFAULT_STREAM_LIMITS, Listener, type StreamLimits } from "./listener.ts";
import { serveStream } from "./stream.ts";

/** What the transports over TLS share. */
export interface TlsSettings {
  readonly certificate: Certificate;
  readonly limits?: StreamLimits;
  /** Told of each handshake that failed. */
  readonly failed: () => void;
}

/** DNS over TLS (RFC 7858). */
export class TlsTransport extends Listener {
  constructor(endpoint: Endpoint, handle: Handler, { certificate, limits = DEFAULT_STREAM_LIMITS, failed }: TlsSettings) {
    const { idleMs } = limits;
    // never listens itself: it is given the connections that have a place
    const server = createServer({ ALPNProtocols: ["dot"], handshakeTimeout: idleMs });
    certificate.listen((options) => server.setSecureContext(options));
    server.on("tlsClientError", (_, socket: TLSSocket) => {
      failed();
      socket.destroy();
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => socket.destroy());
      if (socket.remoteAddress === undefined) socket.destroy();
      else serveStream(socket, parseAddress(socket.remoteAddress), handle, idleMs);
    });
    super(endpoint, limits, (socket: Socket) => void server.emit("connection", socket));
  }
}
