import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { z } from "zod";
import { FailureError, UserError } from "../runtime/errors.ts";

/** Where the commands look for a server that they are told nothing of. */
export const DEFAULT_CONTROL = "/run/peakdns/control.sock";

const TIMEOUT_MS = 10_000;

const failure = z.object({ error: z.string() });

/**
 * Asks a running server.
 * @param path of its control socket
 * @param target path and parameters of the request
 * @returns the JSON of its answer
 * @throws UserError with what the server says is wrong with the request; FailureError when none answers, or it could not do it
 */
export async function askServer(
  path: string,
  method: string,
  target: string,
  body?: object,
  timeoutMs: number = TIMEOUT_MS,
): Promise<unknown> {
  const sent = request({ socketPath: path, method, path: target, signal: AbortSignal.timeout(timeoutMs) });
  sent.end(body && JSON.stringify(body));
  let response: IncomingMessage;
  let text = "";
  try {
    [response] = (await once(sent, "response")) as [IncomingMessage];
    for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  } catch (error) {
    throw new FailureError(connectionFault(path, error as NodeJS.ErrnoException, timeoutMs));
  }
  const answer = parseAnswer(path, text);
  if (response.statusCode === 200) return answer;
  const message = failure.safeParse(answer).data?.error ?? `the server answered with HTTP status ${response.statusCode}`;
  throw response.statusCode === 400 ? new UserError(message) : new FailureError(message);
}

function parseAnswer(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FailureError(`what listens on ${path} is no PeakDNS: it answered with something else than JSON`);
  }
}

function connectionFault(path: string, error: NodeJS.ErrnoException, timeoutMs: number): string {
  switch (error.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `no server listens on ${path}: give the server the key control, and here the same path with --control, or its --config`;
    case "EACCES":
      return `may not open ${path}: run this as the user of the server`;
    case "ABORT_ERR":
      return `the server on ${path} gave no answer within ${timeoutMs / 1000} s`;
    default:
      return `cannot ask the server on ${path}: ${error.message}`;
  }
}
