import { prettifyError, ZodError } from "zod";
import { ApiError } from "./api.ts";

/** Why the API server does not do what it was asked: a word for metrics, and a text for people. */
export interface Loss {
  readonly reason:
    "refused" | "reset" | "timeout" | "unreachable" | "unknown host" | "certificate" | "unauthorized" | "forbidden" | "status" | "other";
  readonly message: string;
}

/** @param what was tried, for errors that do not say */
export function lossOf(error: unknown, what: string): Loss {
  return { reason: reasonOf(error), message: error instanceof ApiError ? error.message : `${what}: ${describe(error)}` };
}

/** The HTTP status of an error, if that is what it is about. */
export const statusOf = (error: unknown): unknown => (error instanceof Error && "statusCode" in error ? error.statusCode : undefined);

/** The innermost reason: `fetch failed` alone says nothing. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ZodError) return prettifyError(error);
  return error.cause instanceof Error ? `${error.message}: ${describe(error.cause)}` : error.message.split("\n")[0]!;
}

function reasonOf(error: unknown): Loss["reason"] {
  const status = statusOf(error);
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (typeof status === "number") return "status";
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  if (cause instanceof Error && cause.name === "TimeoutError") return "timeout";
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  switch (code) {
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return "reset";
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return "timeout";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return "unreachable";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "unknown host";
    default:
      return /CERT|TLS|SSL|SIGNATURE/.test(code) ? "certificate" : "other";
  }
}
