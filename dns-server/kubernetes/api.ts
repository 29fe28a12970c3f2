import type { KubeConfig } from "@kubernetes/client-node";
import * as http from "node:http";
import * as https from "node:https";

/** What the API server says instead of an answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Without anything from it, and for all of an answer. */
const TIMEOUT_MS = 30_000;
const TOTAL_MS = 60_000;

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** With its query. */
  readonly path: string;
  /** JSON; a merge patch with PATCH. */
  readonly body?: unknown;
}

/**
 * One request to the API server, with the credentials of the configuration. The client's typed calls would make an instance of a class
 * for each object and each part of it, only to be cut down to a few facts.
 * @returns the JSON of the answer
 * @throws ApiError when its status is not 2xx
 */
export async function request(config: KubeConfig, { method, path, body }: ApiRequest): Promise<unknown> {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error("the kubeconfig names no cluster");
  const url = new URL(cluster.server + path);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const options: https.RequestOptions = {
    method,
    timeout: TIMEOUT_MS,
    headers: {
      accept: "application/json",
      ...(text === undefined
        ? {}
        : {
            "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
            "content-length": Buffer.byteLength(text),
          }),
    },
  };
  await config.applyToHTTPSOptions(options);
  const { statusCode = 0, content } = await exchange(url, options, text);
  if (statusCode >= 200 && statusCode < 300) return JSON.parse(content);
  throw new ApiError(statusCode, `${method} ${url.pathname}: HTTP ${statusCode}${messageOf(content)}`);
}

export const getJson = (config: KubeConfig, path: string): Promise<unknown> => request(config, { method: "GET", path });

function exchange(url: URL, options: https.RequestOptions, body: string | undefined): Promise<{ statusCode?: number; content: string }> {
  return new Promise((resolve, reject) => {
    const answered = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode } = response;
        resolve({ ...(statusCode === undefined ? {} : { statusCode }), content: Buffer.concat(chunks).toString("utf8") });
      });
    };
    // an agent for TLS cannot be used without
    const asked =
      url.protocol === "https:" ? https.request(url, options, answered) : http.request(url, { ...options, agent: undefined }, answered);
    const isLate = (): void => {
      reject(new DOMException("no answer in time", "TimeoutError"));
      asked.destroy();
    };
    const late = setTimeout(isLate, TOTAL_MS).unref();
    asked.on("timeout", isLate);
    asked.on("error", reject);
    asked.on("close", () => {
      clearTimeout(late);
      reject(new Error("the connection has ended without an answer"));
    });
    asked.end(body);
  });
}

/** The message of a Status object. */
function messageOf(content: string): string {
  try {
    const status: unknown = JSON.parse(content);
    if (typeof status === "object" && status !== null && "message" in status && typeof status.message === "string")
      return `: ${status.message}`;
  } catch {
    // no JSON: nothing to add
  }
  return "";
}
