import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Handler } from "../view/exchange.ts";
import { parseAddress } from "../wire/address.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { answerRequest } from "./doh.ts";
import { DEFAULT_STREAM_LIMITS, Listener } from "./listener.ts";
import type { TlsSettings } from "./tls.ts";

/** Requests at once on one connection (RFC 9113 section 6.5.2 advises no fewer). */
const MAX_STREAMS = 100;

/** DNS over HTTPS (RFC 8484), HTTP/2 or HTTP/1.1. */
export class HttpsTransport extends Listener {
  constructor(endpoint: Endpoint, handle: Handler, { certificate, limits = DEFAULT_STREAM_LIMITS, failed }: TlsSettings) {
    // never listens itself: it is given the connections that have a place
    const server = createSecureServer({
      allowHTTP1: true,
      handshakeTimeout: limits.idleMs,
      settings: { maxConcurrentStreams: MAX_STREAMS },
    });
    certificate.listen((options) => server.setSecureContext(options));
    server.on("tlsClientError", (_, socket: TLSSocket) => {
      failed();
      socket.destroy();
    });
    server.on("sessionError", () => {});
    const idle = new Map<string, NodeJS.Timeout>();
    server.on("request", (request: Http2ServerRequest, response: Http2ServerResponse) => {
      const { remoteAddress } = request.socket;
      const timer = idle.get(portOf(request.socket));
      request.on("error", () => {});
      response.on("error", () => {});
      response.on("finish", () => timer?.refresh());
      if (remoteAddress === undefined) return;
      answerRequest(request, response, handle, parseAddress(remoteAddress)).catch(() => request.destroy());
    });
    super(endpoint, limits, (socket: Socket) => {
      const port = portOf(socket);
      // whatever moves, in whichever layer: what counts are requests that are answered
      const timer = setTimeout(() => socket.destroy(), limits.idleMs);
      idle.set(port, timer);
      socket.on("close", () => {
        clearTimeout(timer);
        idle.delete(port);
      });
      server.emit("connection", socket);
    });
  }
}

/** What tells connections apart, whether one sees the TCP socket, that of TLS or that of HTTP/2. */
const portOf = ({ remoteAddress, remotePort }: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string =>
  `${remoteAddress} ${remotePort}`;
