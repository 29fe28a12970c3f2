import type { Handler } from "../view/exchange.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { DEFAULT_STREAM_LIMITS, Listener, type StreamLimits } from "./listener.ts";
import { serveStream } from "./stream.ts";

/** DNS over TCP (RFC 7766). */
export class TcpTransport extends Listener {
  constructor(endpoint: Endpoint, handle: Handler, limits: StreamLimits = DEFAULT_STREAM_LIMITS) {
    super(endpoint, limits, (socket, client) => serveStream(socket, client, handle, limits.idleMs));
  }
}
