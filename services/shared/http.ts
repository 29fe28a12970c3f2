import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Readiness } from "./readiness.ts";

/** A request whose URL parsed and whose method is GET or HEAD. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Aborts when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
}

export type Handler = (exchange: Exchange) => void | Promise<void>;

/**
 * What the caller did wrong, or must wait for: its message becomes the body of the answer. Anything else that is thrown is a bug, and a
 * 500.
 */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "HttpError";
    this.status = status;
    this.headers = headers;
  }
}

/** Answers with `body` as JSON, on one line. Node leaves the body out of an answer to HEAD. */
export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { ...headers, "content-type": "application/json; charset=utf-8", "content-length": bytes.length }).end(bytes);
}

export interface ServiceOptions {
  /** Handlers by first path segment: `""` serves `/`, `bytes` serves `/bytes` and everything below it. */
  readonly routes: Readonly<Record<string, Handler>>;
  readonly readiness: Readiness;
  /** Metrics of this service; the ones that every service has are added to it. */
  readonly registry: Registry;
}

/**
 * The request listener of a service: its routes, and beside them what every service answers.
 *
 * - `/healthz` is for the readiness probe: 200, or 503 while the service drains, so that DNS stops naming the pod.
 * - `/livez` is for the liveness probe: 200 as long as the event loop turns. A draining pod is alive.
 * - `/metrics` is in Prometheus text format. Probes and scrapes are not counted: the figures are those of the clients.
 */
export function service({ routes, readiness, registry }: ServiceOptions): RequestListener {
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: "http_requests_total",
    help: "Answered requests, by route and status code.",
    labelNames: ["route", "code"],
    registers: [registry],
  });
  const inFlight = new Gauge({ name: "http_requests_in_flight", help: "Requests being served now.", registers: [registry] });
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time from the request's headers to the end of its answer.",
    labelNames: ["route"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });

  const own: Readonly<Record<string, Handler>> = {
    healthz: ({ response }) => sendJson(response, readiness.ready ? 200 : 503, { ready: readiness.ready }),
    livez: ({ response }) => sendJson(response, 200, { live: true }),
    metrics: async ({ response }) => {
      const text = await registry.metrics();
      response.writeHead(200, { "content-type": registry.contentType, "content-length": Buffer.byteLength(text) }).end(text);
    },
  };

  return (request, response) => {
    const started = performance.now();
    // A client that keeps its connection would stay with this pod for ever: ask it to look the name up again.
    if (!readiness.ready) response.setHeader("connection", "close");
    const url = parseUrl(request);
    const name = url?.pathname.split("/", 2)[1] ?? "";
    const route = url !== undefined && Object.hasOwn(routes, name) ? `/${name}` : "other";

    if (url === undefined || !Object.hasOwn(own, name)) {
      inFlight.inc();
      response.once("close", () => {
        inFlight.dec();
        requests.inc({ route, code: response.headersSent ? response.statusCode : "aborted" });
        duration.observe({ route }, (performance.now() - started) / 1000);
      });
    }
    void answer(request, response, url, url && (lookup(own, name) ?? lookup(routes, name)));
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL | undefined,
  handler: Handler | undefined,
): Promise<void> {
  const aborted = new AbortController();
  response.once("close", () => aborted.abort());
  try {
    if (!url) throw new HttpError(400, "the request target is not a URL");
    if (!handler) throw new HttpError(404, `nothing at ${url.pathname}`);
    if (request.method !== "GET" && request.method !== "HEAD") throw new HttpError(405, "use GET or HEAD", { allow: "GET, HEAD" });
    await handler({ request, response, url, signal: aborted.signal });
  } catch (error) {
    if (response.destroyed) return; // nobody is there to be told
    if (response.headersSent) return void response.destroy();
    if (error instanceof HttpError) return sendJson(response, error.status, { error: error.message }, error.headers);
    console.error(`${request.method} ${request.url}:`, error);
    sendJson(response, 500, { error: "internal error" });
  }
}

function lookup(handlers: Readonly<Record<string, Handler>>, name: string): Handler | undefined {
  return Object.hasOwn(handlers, name) ? handlers[name] : undefined;
}

function parseUrl(request: IncomingMessage): URL | undefined {
  return URL.parse(request.url ?? "", "http://service.invalid") ?? undefined;
}
