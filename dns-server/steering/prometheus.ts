import { once } from "node:events";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { z } from "zod";
import { limiter } from "../runtime/concurrency.ts";
import { PrometheusAccess, type AccessSettings } from "./access.ts";

/** One series of an instant vector, or a scalar (which has no labels). NaN and infinities are numbers here. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface QueryResult {
  readonly samples: readonly Sample[];
  /** What Prometheus says beside the result: it may be partial. */
  readonly warnings: readonly string[];
}

/**
 * Why there is no result. `rejected`: the text is no PromQL. `failed`: it cannot be evaluated, such as for a series that matches many. The
 * others mean that Prometheus is lost.
 */
export type QueryErrorReason =
  | "rejected"
  | "failed"
  | "timeout"
  | "refused"
  | "unreachable"
  | "unknown host"
  | "unauthorized"
  | "tls"
  | "status"
  | "protocol";

/** Characters of what is told of a fault: what comes from elsewhere fills no log. */
const MAX_MESSAGE = 1000;

export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly reason: QueryErrorReason;

  constructor(reason: QueryErrorReason, message: string) {
    super(message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}...` : message);
    this.reason = reason;
  }

  /** Whether Prometheus did not answer; else the fault is the query's. */
  get isLoss(): boolean {
    return this.reason !== "rejected" && this.reason !== "failed";
  }
}

/** The URL is the server's, without `/api/v1`. */
export interface PrometheusSettings extends AccessSettings {
  /** For one query, seconds. */
  readonly timeout: number;
  /** Queries at a time. */
  readonly parallel: number;
}

/** Samples and octets of one answer: a query of anybody's must not fill the memory of a server that is everybody's. */
const MAX_SAMPLES = 20_000;
const MAX_OCTETS = 8 << 20;

const parseNumber = (text: string): number => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : text.trim() === "" ? NaN : Number(text));
const number = z.string().transform(parseNumber);
const point = z.tuple([z.number(), number]);
/** One that is a native histogram has no value; one that is malformed voids itself only. */
const sample = z
  .object({ metric: z.record(z.string(), z.string()), value: point.optional(), histogram: z.unknown().optional() })
  .refine(({ value, histogram }) => value !== undefined || histogram !== undefined)
  .nullable()
  .catch(null);
const success = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("vector"), result: z.array(sample).nullable() }),
    z.object({ resultType: z.literal("scalar"), result: point }),
    z.object({ resultType: z.enum(["matrix", "string"]) }),
  ]),
  warnings: z.array(z.string()).nullish(),
});
const failure = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });
const response = z.discriminatedUnion("status", [success, failure]);

/** The HTTP API of a Prometheus, or of what speaks it. */
export class Prometheus {
  private readonly endpoint: URL;
  private readonly timeout: number;
  private readonly limit: ReturnType<typeof limiter>;
  private readonly access: PrometheusAccess;

  /** @throws UserError when a file of the settings is not usable */
  constructor(settings: PrometheusSettings, access: PrometheusAccess = new PrometheusAccess(settings)) {
    const { url, timeout, parallel } = settings;
    this.endpoint = new URL(`${url.replace(/\/+$/, "")}/api/v1/query`);
    this.timeout = timeout;
    this.limit = limiter(parallel);
    this.access = access;
  }

  /**
   * Evaluates PromQL now.
   * @param signal gives up
   * @throws QueryError
   */
  query(promql: string, signal?: AbortSignal): Promise<QueryResult> {
    return this.limit(() => this.post(promql, signal));
  }

  /** Lets go of connections. */
  close(): void {
    this.access.close();
  }

  private async post(promql: string, signal: AbortSignal | undefined): Promise<QueryResult> {
    const deadline = AbortSignal.timeout(this.timeout * 1000);
    // one sample more than is taken, so that too many are told from enough
    const form = new URLSearchParams({ query: promql, timeout: String(this.timeout), limit: String(MAX_SAMPLES + 1) });
    try {
      const answer = await this.send(form.toString(), signal ? AbortSignal.any([deadline, signal]) : deadline);
      return readResult(answer, await readBounded(answer));
    } catch (error) {
      if (error instanceof QueryError) throw error;
      // what is cut off in the middle of an answer says only that it was
      throw transportError(deadline.aborted ? deadline.reason : error, this.timeout);
    }
  }

  private async send(body: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { agent, headers } = this.access.current();
    const type = { "content-type": "application/x-www-form-urlencoded", "content-length": String(Buffer.byteLength(body)) };
    for (let isFirst = true; ; isFirst = false) {
      const make = this.endpoint.protocol === "https:" ? requestHttps : requestHttp;
      const sent = make(this.endpoint, { method: "POST", agent, signal, headers: { ...type, ...headers } });
      // what comes after the answer's head is told by the answer
      sent.on("error", () => {});
      sent.end(body);
      try {
        // one that becomes another protocol's ends without a word
        const [answer] = (await once(sent, "response", { signal })) as [IncomingMessage];
        return answer;
      } catch (error) {
        // a connection that is kept may have been closed by the other side in this moment
        if (!isFirst || !sent.reusedSocket || (error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
      }
    }
  }
}

/** The text of an answer, read no further than it may be long. @throws QueryError */
async function readBounded(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // leaving the loop gives up the rest
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_OCTETS) throw tooMuch(`more than ${MAX_OCTETS >> 20} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

const tooMuch = (how: string): QueryError =>
  new QueryError("failed", `the query gives ${how}: restrict it to the domain's pods, such as by {namespace="%namespace%", pod=~"%pods%"}`);

const notPrometheus = (): QueryError => new QueryError("protocol", "the answer is none of Prometheus' API");

/** @throws QueryError */
function readResult({ statusCode: status = 0, headers }: IncomingMessage, text: string): QueryResult {
  if (status === 401 || status === 403)
    throw new QueryError("unauthorized", `HTTP status ${status}: see prometheus.user and passwordFile, tokenFile, certificate and tenant`);
  const parsed = response.safeParse(parseJson(text));
  if (!parsed.success) {
    if (status >= 300 && status < 400)
      throw new QueryError("status", `HTTP status ${status}, to ${headers.location}: give that as prometheus.url, without /api/v1/query`);
    if (status !== 200) throw new QueryError("status", `HTTP status ${status}, and no answer of Prometheus' API`);
    throw notPrometheus();
  }
  const body = parsed.data;
  if (body.status === "error") throw new QueryError(errorReason(body.errorType), body.error);
  const { data } = body;
  const warnings = body.warnings ?? [];
  switch (data.resultType) {
    case "vector": {
      const result = data.result ?? [];
      if (result.length > MAX_SAMPLES) throw tooMuch(`more than ${MAX_SAMPLES} samples`);
      if (result.length > 0 && result.every((each) => each === null)) throw notPrometheus();
      return { samples: result.flatMap((each) => (each?.value ? { labels: each.metric, value: each.value[1] } : [])), warnings };
    }
    case "scalar":
      return { samples: [{ labels: {}, value: data.result[1] }], warnings };
    default:
      throw new QueryError("failed", `the query gives a ${data.resultType}, not an instant vector or a scalar`);
  }
}

function errorReason(errorType: string): QueryErrorReason {
  switch (errorType) {
    case "bad_data":
      return "rejected";
    case "execution":
      return "failed";
    case "timeout":
    case "canceled":
      return "timeout";
    default:
      return "status";
  }
}

function transportError(error: unknown, timeout: number): QueryError {
  // fetch hides the reason in a chain of causes
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (!(cause instanceof Error)) return new QueryError("protocol", String(cause));
  if (cause.name === "TimeoutError") return new QueryError("timeout", `no answer within ${timeout} s`);
  const { code } = cause as NodeJS.ErrnoException;
  const message = cause instanceof AggregateError ? String(code) : cause.message;
  switch (code) {
    case "ECONNREFUSED":
      return new QueryError("refused", message);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new QueryError("unknown host", message);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return new QueryError("unreachable", message);
    default:
      if (/^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO$)/.test(code ?? ""))
        return new QueryError("tls", `${message.split(";")[0]}: see prometheus.ca for who may vouch for it, prometheus.certificate for who asks`);
      return new QueryError("protocol", message);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
