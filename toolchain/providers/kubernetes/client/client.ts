/** Requests to one API server, each retried for as long as its failure looks passing. */

import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { isObject, type Json, type JsonObject } from "../values.ts";
import { ApiError, CancelledError, isTransient, UnreachableError } from "./errors.ts";
import type { Connection } from "./kubeconfig.ts";

export interface Request {
  readonly method?: "GET" | "PATCH" | "DELETE";
  /** Path below the server's URL, already encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly contentType?: string;
  /** Ends the retries with a CancelledError, and the request too unless it changes something. */
  readonly signal: AbortSignal;
  readonly patience?: Patience;
}

/** `update` outlasts the restart of an API server; `preview` gives up after a second, since it can do without an answer. */
export type Patience = "update" | "preview";

/** Seconds before each retry. */
const delays = {
  update: [0.2, 0.5, 1, 2, 4, 8, 8, 8],
  /** For a server that has never answered: its address may be wrong. */
  first: [0.2, 0.5, 1, 2, 4],
  preview: [0.2, 0.8],
} as const;

const passingErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
]);
const maximalRetryAfterSeconds = 10;
/** The server ends watches after this long, so that a connection that brings nothing any more is noticed: somebody waits for what it tells. */
const watchSeconds = 30;

export class Client {
  readonly #connection: Connection;
  readonly #timeoutMilliseconds: number;
  readonly #agent: http.Agent;
  #hasAnswered = false;

  constructor(connection: Connection, requestTimeoutSeconds: number) {
    this.#connection = connection;
    this.#timeoutMilliseconds = requestTimeoutSeconds * 1000;
    const options = { keepAlive: true, ...connection.tls };
    this.#agent = connection.server.startsWith("https:") ? new https.Agent(options) : new http.Agent(options);
  }

  /** The answer's JSON. Throws ApiError, UnreachableError or CancelledError. */
  async request(request: Request): Promise<JsonObject> {
    const patience = request.patience ?? "update";
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(request);
      } catch (error) {
        const wait = delays[patience === "update" && !this.#hasAnswered ? "first" : patience][attempt];
        if (wait === undefined || !isTransient(error)) throw error;
        const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) : 0;
        const seconds = Math.min(Math.max(wait, asked), maximalRetryAfterSeconds);
        await sleep(seconds * 1000 * (0.8 + 0.4 * Math.random()), undefined, { signal: request.signal }).catch(() => {
          throw new CancelledError();
        });
      }
    }
  }

  /** The events of a watch, until the server ends it or the signal does. Throws like `request`; never retries. */
  async *watch(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): AsyncGenerator<JsonObject> {
    const parameters = { ...query, watch: "true", allowWatchBookmarks: "true", timeoutSeconds: String(watchSeconds) };
    const response = await this.#send({ path, query: parameters, signal });
    if (response.statusCode !== 200) throw new ApiError(response.statusCode ?? 0, parseBody(await readAll(response)));
    response.setTimeout((watchSeconds + 15) * 1000, () => response.destroy());
    response.setEncoding("utf8");
    let rest = "";
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = parseBody(line);
        if (isObject(event)) yield event;
      }
    }
  }

  async #once(request: Request): Promise<JsonObject> {
    if (request.signal.aborted) throw new CancelledError();
    const limit = AbortSignal.timeout(this.#timeoutMilliseconds);
    // A change under way is brought to its end even if the user cancels: nobody could tell else what came of it.
    const changes = (request.method ?? "GET") !== "GET" && request.query?.["dryRun"] === undefined;
    const signal = changes ? limit : AbortSignal.any([request.signal, limit]);
    try {
      const response = await this.#send({ ...request, signal });
      const body = parseBody(await readAll(response));
      const status = response.statusCode ?? 0;
      this.#hasAnswered = true;
      if (status >= 200 && status < 300 && isObject(body)) return body;
      const retryAfter = Number(response.headers["retry-after"]);
      throw new ApiError(status, body, Number.isFinite(retryAfter) ? retryAfter : undefined);
    } catch (error) {
      if (request.signal.aborted && !changes) throw new CancelledError();
      if (limit.aborted) throw this.#unreachable(new Error(`no answer within ${this.#timeoutMilliseconds / 1000} s`));
      if (error instanceof Error && passingErrors.has(codeOf(error))) throw this.#unreachable(error);
      throw error;
    }
  }

  async #send(request: Request): Promise<http.IncomingMessage> {
    const url = new URL(this.#connection.server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const headers: http.OutgoingHttpHeaders = {
      accept: "application/json",
      "user-agent": "pulumi-kubernetes (peak)",
      ...(await this.#connection.headers()),
      ...(body === undefined
        ? {}
        : { "content-type": request.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
    };
    const options = { method: request.method ?? "GET", headers, agent: this.#agent, signal: request.signal };
    return new Promise((resolve, reject) => {
      const outgoing = url.protocol === "https:" ? https.request(url, options, resolve) : http.request(url, options, resolve);
      outgoing.on("error", reject).end(body);
    });
  }

  #unreachable(cause: Error): UnreachableError {
    return new UnreachableError(this.#connection.server, cause);
  }
}

/** A connection to a name with several addresses fails with one error for all of them. */
function codeOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return typeof first === "object" && first !== null && "code" in first ? String(first.code) : "";
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string): Json {
  try {
    const parsed: Json = JSON.parse(text);
    return parsed;
  } catch {
    return text;
  }
}
