/** What can go wrong with a request, as types, so that callers decide by kind and never by text. */

import { listAt, numberAt, textAt } from "../objects.ts";
import type { Json } from "../values.ts";

/** The API server answered with a failure: a Status object, or whatever else it sent. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** The Status object, for its details. */
  readonly body: Json;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: Json, retryAfterSeconds?: number) {
    super(textAt(body, "message") ?? `HTTP ${status}${typeof body === "string" && body !== "" ? `: ${body.slice(0, 500)}` : ""}`);
    this.status = status;
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds ?? numberAt(body, "details", "retryAfterSeconds");
  }

  get reason(): string {
    return textAt(this.body, "reason") ?? "";
  }
}

/** No answer from the API server. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";

  constructor(server: string, cause: Error) {
    super(
      `the Kubernetes API server ${server} does not answer (${cause.message}). ` +
        "Check that it runs and that kubernetes:kubeconfig and kubernetes:context point to it, then run the command again",
      { cause },
    );
  }
}

/** The cluster has no such kind, so far. */
export class NoMatchError extends Error {
  override readonly name = "NoMatchError";

  constructor(apiVersion: string, kind: string) {
    super(`the cluster does not know ${apiVersion} ${kind}; if a CustomResourceDefinition defines it, depend on that resource`);
  }
}

/** The operation was cancelled by the user. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";

  constructor() {
    super("the operation was cancelled");
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** A field of the object belongs to another field manager. */
export function isFieldConflict(error: unknown): error is ApiError {
  return (
    error instanceof ApiError &&
    error.status === 409 &&
    listAt(error.body, "details", "causes").some((cause) => textAt(cause, "reason") === "FieldManagerConflict")
  );
}

/** Whether the same request may succeed a little later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  if (!(error instanceof ApiError)) return false;
  if ([429, 500, 502, 503, 504].includes(error.status)) return true;
  if (error.status === 409) return error.reason === "Conflict" && !isFieldConflict(error);
  // A namespace's default service account comes into being a moment after the namespace.
  return error.status === 403 && /serviceaccount "[^"]+" not found/.test(error.message);
}
