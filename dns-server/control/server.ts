import { once } from "node:events";
import { lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { FailureError, UserError } from "../runtime/errors.ts";
import { log } from "../runtime/log.ts";

/** Answers one request with what is sent back as JSON. @throws UserError for what the asker did wrong, FailureError for what failed: the message is the answer */
export type ControlRoute = (parameters: URLSearchParams, body: unknown) => unknown;

/** ControlRoutes by `METHOD /path`. */
export type ControlRoutes = Readonly<Record<string, ControlRoute>>;

const MAX_BODY = 1 << 16;

/**
 * Listens for the commands of an operator: HTTP with JSON over a unix domain socket that only the server's own user (and root) may open.
 * @throws UserError when another server listens there, or something else is in the way
 */
export async function serveControl(path: string, routes: ControlRoutes): Promise<{ close(): Promise<void> }> {
  mkdirSync(dirname(path), { recursive: true });
  await removeStale(path);
  const server = createServer((request, response) => {
    const reply = (status: number, body: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
    answer(routes, request).then(
      (body) => reply(200, body),
      (error: unknown) => {
        if (error instanceof UserError) return reply(400, { error: error.message });
        if (error instanceof FailureError) return reply(503, { error: error.message });
        log("error", "a control request failed", { request: `${request.method} ${request.url}`, error: String(error) });
        reply(500, { error: "the request failed: see the server's log" });
      },
    );
  });
  // the socket is made by bind, which `listen` calls before it returns: nobody else can open it even for a moment
  const umask = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(umask);
  }
  await once(server, "listening");
  return {
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(routes: ControlRoutes, request: IncomingMessage): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://peakdns");
  const route = routes[`${request.method} ${pathname}`];
  if (!route) throw new FailureError(`this server knows no ${request.method} ${pathname}: command and server differ in version`);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new UserError(`a request is at most ${MAX_BODY} octets long`);
    chunks.push(chunk);
  }
  return route(searchParams, size === 0 ? undefined : parseJson(Buffer.concat(chunks).toString()));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError("the request is not JSON");
  }
}

/** Takes away the socket of a server that was killed; one that somebody answers on, or that is no socket, stays. */
async function removeStale(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isSocket()) throw new UserError(`control: ${path} is there and is no socket: remove it, or choose another path`);
  const probe = connect({ path });
  try {
    await once(probe, "connect");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    unlinkSync(path);
    return;
  } finally {
    probe.destroy();
  }
  throw new UserError(`control: another server listens on ${path}: stop it, or choose another path`);
}
