import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";

/** What a fake Prometheus answers to a query: samples as [labels, value as text], or the body (with a status) as it is. */
export type FakeAnswer =
  readonly (readonly [Readonly<Record<string, string>>, string])[] | { readonly status: number; readonly body: string };

/** Whom it answers, and how. */
export interface FakeDoor {
  /** Over TLS, with these. */
  readonly tls?: ServerOptions;
  /** Whether a request is let in; else the answer is 401. */
  readonly admits?: (request: IncomingMessage) => boolean;
}

/** Enough of Prometheus' HTTP API for tests and benchmarks. */
export class FakePrometheus {
  /** Queries so far. */
  readonly queries: string[] = [];
  /** While set, nothing is answered. */
  silent = false;
  private readonly answer: (query: string) => FakeAnswer;
  private readonly door: FakeDoor;
  private server: Server | undefined;
  private port = 0;

  constructor(answer: (query: string) => FakeAnswer, door: FakeDoor = {}) {
    this.answer = answer;
    this.door = door;
  }

  get url(): string {
    return `${this.door.tls ? "https" : "http"}://[::1]:${this.port}`;
  }

  /** Starts, on the same port each time. */
  async start(): Promise<void> {
    const { tls, admits } = this.door;
    const listener: RequestListener = async (request, response) => {
      const form = new URLSearchParams((await request.setEncoding("utf8").toArray()).join(""));
      const query = form.get("query") ?? "";
      if (admits && !admits(request)) return void response.writeHead(401).end("Unauthorized");
      this.queries.push(query);
      if (this.silent) return;
      const answer = this.answer(query);
      if ("status" in answer) return void response.writeHead(answer.status).end(answer.body);
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(vector(answer)));
    };
    this.server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.server.listen(this.port, "::1");
    await once(this.server, "listening");
    this.port = (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

const vector = (samples: readonly (readonly [object, string])[]): object => ({
  status: "success",
  data: { resultType: "vector", result: samples.map(([metric, value]) => ({ metric, value: [1e9, value] })) },
});

/** Prometheus' answer to what is no PromQL. */
export const parseError = (message: string): FakeAnswer => ({
  status: 400,
  body: JSON.stringify({ status: "error", errorType: "bad_data", error: message }),
});
