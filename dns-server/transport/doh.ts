import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Handler } from "../view/exchange.ts";
import { Rcode } from "../wire/constants.ts";
import { readRecords } from "../wire/records.ts";

/** DNS queries over HTTPS (RFC 8484): from one request to its response. */

const PATH = "/dns-query";
const MEDIA_TYPE = "application/dns-message";
const MAX_MESSAGE = 0xffff;

/** A response, or why there is none. */
interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Answers a request. @param client octets of the asker's address */
export async function answerRequest(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  handle: Handler,
  client: Uint8Array,
): Promise<void> {
  const { status, headers, body } = await reply(request, handle, client);
  response.writeHead(status, {
    "content-type": status === constants.HTTP_STATUS_OK ? MEDIA_TYPE : "text/plain",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}

async function reply(request: Http2ServerRequest, handle: Handler, client: Uint8Array): Promise<Reply> {
  const message = await readMessage(request);
  if (!Buffer.isBuffer(message)) return message;
  const answer = handle(message, client);
  if (!answer) return fault(constants.HTTP_STATUS_BAD_REQUEST, "not a DNS query");
  return { status: constants.HTTP_STATUS_OK, headers: { "cache-control": `max-age=${freshness(answer.message)}` }, body: answer.message };
}

/** The query of a request, or what is wrong with it. */
async function readMessage(request: Http2ServerRequest): Promise<Buffer | Reply> {
  const url = URL.parse(request.url, "https://dns");
  if (url?.pathname !== PATH) return fault(constants.HTTP_STATUS_NOT_FOUND, `try ${PATH}`);
  switch (request.method) {
    case "GET": {
      const text = url.searchParams.get("dns");
      if (text === null || !/^[\w-]+$/.test(text))
        return fault(constants.HTTP_STATUS_BAD_REQUEST, "the parameter dns must be a message in base64url");
      return Buffer.from(text, "base64url");
    }
    case "POST":
      if (request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() !== MEDIA_TYPE)
        return fault(constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE, `the body must be ${MEDIA_TYPE}`);
      return (await readBody(request)) ?? fault(constants.HTTP_STATUS_PAYLOAD_TOO_LARGE, `a message has at most ${MAX_MESSAGE} octets`);
    default:
      return { ...fault(constants.HTTP_STATUS_METHOD_NOT_ALLOWED, "try GET or POST"), headers: { allow: "GET, POST" } };
  }
}

/** @returns undefined when it is longer than any message */
async function readBody(request: Http2ServerRequest): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // the rest of a body that is too long is left to those who close the connection, after the response
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MESSAGE) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const fault = (status: number, text: string): Reply => ({ status, body: `${text}\n` });

/** How long an answer may be kept, seconds: its smallest TTL; else that of SOA or referral (RFC 8484 section 5.1). */
function freshness(message: Buffer): number {
  const rcode = message[3]! & 15;
  if (rcode !== Rcode.NOERROR && rcode !== Rcode.NXDOMAIN) return 0;
  const records = [...readRecords(message)];
  const answers = records.filter(({ section }) => section === "answer");
  const counted = answers.length > 0 ? answers : records.filter(({ section }) => section === "authority");
  return counted.length === 0 ? 0 : Math.min(...counted.map(({ ttl }) => ttl));
}
