import type { RequestListener, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Registry } from "prom-client";
import type { Pod } from "../shared/environment.ts";
import { HttpError, sendJson, service } from "../shared/http.ts";
import type { Readiness } from "../shared/readiness.ts";
import { Busy, type Burner } from "./burner.ts";

/** Bounds of what one request may ask for: ten seconds of CPU time, one gibibyte. */
export const MAX_WORK_MS = 10_000;
export const MAX_BYTES = 2 ** 30;

const CHUNK = Buffer.alloc(64 * 1024, "peak ");

export interface EchoOptions {
  readonly self: Pod;
  readonly readiness: Readiness;
  readonly burner: Burner;
  readonly registry: Registry;
}

/**
 * The synthetic micro-service of the experiments.
 *
 * - `/` says who answered: `{pod, node, addresses, requests}`; `requests` counts what this process was asked for on these routes, this
 *   one included.
 * - `/work?ms=N` uses N milliseconds of CPU time and answers `{pod, ms}`; 503 if too much work waits already.
 * - `/bytes/N` streams N bytes.
 */
export function echo({ self, readiness, burner, registry }: EchoOptions): RequestListener {
  let requests = 0;
  return service({
    readiness,
    registry,
    routes: {
      "": ({ response }) => {
        requests++;
        sendJson(response, 200, { ...self, requests });
      },
      work: async ({ url, response, signal }) => {
        requests++;
        const ms = wholeNumber("ms", url.searchParams.get("ms"), MAX_WORK_MS);
        await burner.burn(ms, signal).catch((error: unknown) => {
          throw error instanceof Busy ? new HttpError(503, error.message, { "retry-after": "1" }) : error;
        });
        sendJson(response, 200, { pod: self.pod, ms });
      },
      bytes: async ({ request, response, url }) => {
        requests++;
        const size = wholeNumber("the N of /bytes/N", url.pathname.slice("/bytes/".length), MAX_BYTES);
        response.writeHead(200, { "content-type": "application/octet-stream", "content-length": size });
        if (request.method === "HEAD") response.end();
        else await stream(size, response);
      },
    },
  });
}

/** The same chunk again and again: what is measured is the path, not the making of bytes. Reads only as fast as the client takes them. */
async function stream(size: number, response: ServerResponse): Promise<void> {
  let left = size;
  const source = new Readable({
    read() {
      const chunk = CHUNK.subarray(0, left);
      left -= chunk.length;
      this.push(chunk.length > 0 ? chunk : null);
    },
  });
  await pipeline(source, response);
}

function wholeNumber(name: string, text: string | null, max: number): number {
  if (text !== null && /^\d{1,12}$/.test(text) && Number(text) <= max) return Number(text);
  throw new HttpError(400, `${name} must be a whole number from 0 to ${max}${text ? `, not "${text}"` : ""}`);
}
