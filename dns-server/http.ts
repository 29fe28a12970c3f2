import { once } from "node:events";
import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { unexpected } from "./runtime/unexpected.ts";
import { isInPrefix, parseAddress, type Prefix } from "./wire/address.ts";
import { formatEndpoint, type Endpoint } from "./wire/endpoint.ts";

/**
 * Health and metrics: `/healthz` (the process runs), `/readyz` (the view is complete), `/metrics`.
 * @param metricsFrom who gets the metrics: they tell of domains, pods and loads
 */
export async function serveHttp(
  endpoint: Endpoint,
  metricsFrom: readonly Prefix[],
  registry: Registry,
  ready: () => boolean,
): Promise<{ endpoint: Endpoint; close(): Promise<void> }> {
  const mayRead = (address: string | undefined): boolean =>
    address !== undefined && metricsFrom.some((prefix) => isInPrefix(parseAddress(address), prefix));
  const server = createServer((request, response) => {
    const reply = (status: number, type: string, body: string): void => void response.writeHead(status, { "content-type": type }).end(body);
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return reply(200, "text/plain", "ok\n");
      case "/readyz":
        return ready() ? reply(200, "text/plain", "ok\n") : reply(503, "text/plain", "the view is not complete yet\n");
      case "/metrics":
        if (!mayRead(request.socket.remoteAddress)) return reply(403, "text/plain", "not for this address: see the key metricsFrom\n");
        registry.metrics().then(
          (text) => reply(200, registry.contentType, text),
          (error: unknown) => {
            unexpected("http", error);
            reply(500, "text/plain", "the metrics cannot be read: see the log\n");
          },
        );
        return;
      default:
        return reply(404, "text/plain", "try /healthz, /readyz or /metrics\n");
    }
  });
  server.listen({ port: endpoint.port, host: endpoint.address, ipv6Only: true });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`HTTP server on ${formatEndpoint(endpoint)} has no address`);
  return {
    endpoint: { address: endpoint.address, port: address.port },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
