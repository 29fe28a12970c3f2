import dnsPacket from "dns-packet";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConnectionLimits } from "../limit/connections.ts";
import { TEST_HOST, writeCertificate } from "../testing/certificate.ts";
import { encodeQuery, eventually } from "../testing/client.ts";
import { testIdentity } from "../testing/identity.ts";
import { Answerer } from "../view/answerer.ts";
import { EdnsOption } from "../wire/constants.ts";
import { parseName } from "../wire/name.ts";
import { loadZone } from "../zone/load.ts";
import { Certificate } from "./certificate.ts";
import { FrameReader, frame } from "./frame.ts";
import { HttpsTransport } from "./https.ts";
import { DEFAULT_STREAM_LIMITS, type Listener, type StreamLimits } from "./listener.ts";
import { padded } from "./padding.ts";
import { TlsTransport } from "./tls.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let folder: string;
let ca: string;
let certificate: Certificate;
let failures: number;
let places: ConnectionLimits;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "peakdns-tls-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const { pem, ...files } = await writeCertificate(folder);
  ca = pem;
  certificate = new Certificate(files, 50);
  cleanups.push(() => certificate.close());
  failures = 0;
  places = new ConnectionLimits({ total: 100, perSource: 50 });
});

const answerer = new Answerer(testIdentity);
const text = `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nwww 30 AAAA 2001:db8::1\nsub NS ns.sub\nns.sub AAAA 2001:db8::2\n`;
const { zone } = loadZone(parseName("example."), { file: "test", text });
answerer.setView({ zones: new Map([[zone.origin, zone]]), loading: [] });

async function serve(Kind: typeof TlsTransport | typeof HttpsTransport, limits: Partial<StreamLimits> = {}): Promise<Listener> {
  const handle = padded((message, client) => answerer.respond(message, "tls", client));
  const transport = new Kind({ address: "::1", port: 0 }, handle, {
    certificate,
    limits: { ...DEFAULT_STREAM_LIMITS, enter: (client, evict) => places.enter(client, evict), ...limits },
    failed: () => void failures++,
  });
  await transport.listen();
  cleanups.push(() => transport.close());
  return transport;
}

async function open({ endpoint }: Listener, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port: endpoint.port, host: endpoint.address, ca, servername: TEST_HOST, ...options });
  cleanups.push(() => socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}
const closed = async (
  socket: { destroyed: boolean; on(event: "error", listener: () => void): unknown } & NodeJS.ReadableStream,
): Promise<void> => {
  socket.on("error", () => {});
  socket.resume();
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
};
async function exchange(socket: TLSSocket, messages: readonly Buffer[]): Promise<Buffer[]> {
  const reader = new FrameReader();
  const answers: Buffer[] = [];
  socket.write(Buffer.concat(messages.map(frame)));
  while (answers.length < messages.length) answers.push(...reader.push(((await once(socket, "data")) as [Buffer])[0]));
  return answers;
}

/** A query with an OPT record that carries a padding option. */
function paddedQuery(name: string): Buffer {
  const query = encodeQuery(name, "AAAA", 0);
  query[11] = 1;
  return Buffer.concat([query, Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 8, 0, EdnsOption.PADDING, 0, 4, 0, 0, 0, 0])]);
}

describe("DNS over TLS", () => {
  test("pipelined queries on one connection, with ALPN and without", async () => {
    const transport = await serve(TlsTransport);
    const queries = Array.from({ length: 50 }, (_, id) => encodeQuery("www.example", "AAAA", id));
    const socket = await open(transport, { ALPNProtocols: ["dot"] });
    expect(socket.alpnProtocol).toBe("dot");
    expect((await exchange(socket, queries)).map((answer) => answer.readUInt16BE(0))).toEqual(queries.map((_, id) => id));
    expect(await exchange(await open(transport), queries.slice(0, 2))).toHaveLength(2);
  });
  test("TLS 1.2 is the oldest version, and no other protocol is spoken", async () => {
    const transport = await serve(TlsTransport);
    expect((await open(transport, { maxVersion: "TLSv1.2" })).getProtocol()).toBe("TLSv1.2");
    await expect(open(transport, { ALPNProtocols: ["h2"] })).rejects.toThrow();
    await expect(open(transport, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).rejects.toThrow();
    await eventually(
      () => failures,
      (count) => count === 2,
    );
  });
  test("answers are padded when the query is, and only then", async () => {
    const socket = await open(await serve(TlsTransport));
    const [answer] = (await exchange(socket, [paddedQuery("www.example")])) as [Buffer];
    expect(answer.length).toBe(468);
    expect(dnsPacket.decode(answer).answers).toMatchObject([{ data: "2001:db8::1" }]);
    const [plain] = (await exchange(socket, [encodeQuery("www.example", "AAAA")])) as [Buffer];
    expect(plain.length).toBeLessThan(100);
  });
  test("idle connections, half handshakes and what is no TLS are closed; all places come back", async () => {
    const transport = await serve(TlsTransport, { idleMs: 100 });
    const idle = await open(transport);
    const half = connectTcp({ port: transport.endpoint.port, host: "::1" });
    const wrong = connectTcp({ port: transport.endpoint.port, host: "::1" });
    wrong.write(frame(encodeQuery("www.example", "AAAA")));
    await Promise.all([idle, half, wrong].map(closed));
    await eventually(
      () => places.count,
      (count) => count === 0,
    );
  });
  test("a source without a place does not get as far as a handshake", async () => {
    places = new ConnectionLimits({ total: 1, perSource: 1 });
    const transport = await serve(TlsTransport);
    const first = await open(transport);
    await expect(open(transport)).rejects.toThrow();
    expect(places.rejected).toBe(1);
    expect(await exchange(first, [encodeQuery("www.example", "AAAA")])).toHaveLength(1);
  });
  test("a connection is closed when its time is over, and with its transport", async () => {
    const short = await open(await serve(TlsTransport, { totalMs: 200 }));
    await closed(short);
    const transport = await serve(TlsTransport);
    const other = await open(transport);
    await transport.close();
    await closed(other);
  });
});

describe("certificate", () => {
  test("a renewed one is used from then on; connections go on", async () => {
    const transport = await serve(TlsTransport);
    const before = await open(transport);
    const old = before.getPeerCertificate().fingerprint256;
    const { pem } = await writeCertificate(folder);
    await eventually(
      async () => {
        const socket = connectTls({ port: transport.endpoint.port, host: "::1", rejectUnauthorized: false });
        await once(socket, "secureConnect");
        const { fingerprint256 } = socket.getPeerCertificate();
        socket.destroy();
        return fingerprint256;
      },
      (fingerprint) => fingerprint !== old,
    );
    ca = pem;
    await open(transport);
    expect(await exchange(before, [encodeQuery("www.example", "AAAA")])).toHaveLength(1);
  });
  test("a faulty one leaves the old one in use, and is told with its files", async () => {
    const transport = await serve(TlsTransport);
    writeFileSync(join(folder, "key.pem"), "nonsense");
    expect(() => certificate.reload()).toThrow(
      `tls: ${join(folder, "cert.pem")} and ${join(folder, "key.pem")} are no certificate and its key`,
    );
    await open(transport);
    expect(() => new Certificate({ certificate: "/nowhere", key: "/nowhere" })).toThrow("ENOENT");
  });
});

describe("DNS over HTTPS", () => {
  interface HttpAnswer {
    readonly status: number | undefined;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body: Buffer;
  }
  interface HttpRequest {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Record<string, string>;
    readonly body?: Buffer;
  }
  const http1 = async ({ endpoint }: Listener, { body, ...options }: HttpRequest): Promise<HttpAnswer> => {
    const sent = requestHttps({ host: "::1", port: endpoint.port, ca, servername: TEST_HOST, agent: false, ...options });
    sent.on("error", () => {});
    sent.end(body);
    const [response] = await once(sent, "response");
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(await response.toArray()) };
  };
  const http2 = async ({ endpoint }: Listener, { method = "GET", path = "/", headers, body }: HttpRequest): Promise<HttpAnswer> => {
    const session = connectHttp2(`https://[::1]:${endpoint.port}`, { ca, servername: TEST_HOST });
    try {
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      stream.end(body);
      const [received] = await once(stream, "response");
      return { status: received[":status"], headers: received, body: Buffer.concat(await stream.toArray()) };
    } finally {
      session.close();
    }
  };
  const get = (query: Buffer): HttpRequest => ({ method: "GET", path: `/dns-query?dns=${query.toString("base64url")}` });
  const post = (body: Buffer, type = "application/dns-message"): HttpRequest => ({
    method: "POST",
    path: "/dns-query",
    headers: { "content-type": type },
    body,
  });

  describe.each([
    ["HTTP/1.1", http1],
    ["HTTP/2", http2],
  ])("by %s", (_, send) => {
    test.each([
      ["www.example", "AAAA", 30],
      ["none.example", "A", 5],
      ["x.sub.example", "A", 60],
      ["other", "A", 0],
    ])("GET and POST %s %s: to be kept %d s", async (name, type, maxAge) => {
      const transport = await serve(HttpsTransport);
      for (const request of [get(encodeQuery(name, type, 0)), post(encodeQuery(name, type, 0))]) {
        const { status, headers, body } = await send(transport, request);
        expect([status, headers["content-type"], headers["cache-control"]]).toEqual([200, "application/dns-message", `max-age=${maxAge}`]);
        expect(dnsPacket.decode(body).questions).toMatchObject([{ name }]);
      }
    });
    test.each([
      [404, { path: "/" }],
      [404, { path: "//[::no-address" }],
      [400, { path: "/dns-query" }],
      [400, { path: "/dns-query?dns=a*b" }],
      [400, get(Buffer.from("short"))],
      [415, post(encodeQuery("www.example", "AAAA"), "text/plain")],
      [413, post(Buffer.alloc(70_000))],
      [405, { method: "PUT", path: "/dns-query" }],
    ])("%d", async (status, request) => {
      const transport = await serve(HttpsTransport);
      expect((await send(transport, request)).status).toBe(status);
      expect((await send(transport, get(encodeQuery("www.example", "AAAA")))).status).toBe(200);
    });
  });

  test("a connection on which no request is completed in time is closed, in whichever state; all places come back", async () => {
    const transport = await serve(HttpsTransport, { idleMs: 200 });
    const idle = connectHttp2(`https://[::1]:${transport.endpoint.port}`, { ca, servername: TEST_HOST });
    idle.on("error", () => {});
    const unfinished = idle.request({ ":method": "POST", ":path": "/dns-query", "content-type": "application/dns-message" });
    unfinished.on("error", () => {});
    const timer = setInterval(() => unfinished.write("a"), 20);
    const slow = await open(transport, { ALPNProtocols: ["http/1.1"] });
    slow.write("GET /dns-query HTTP/1.1\r\n");
    const trickle = setInterval(() => slow.write("x: y\r\n"), 20);
    cleanups.push(() => [timer, trickle].forEach(clearInterval));
    // closed by a reset or not, where `once` of events would take the reset for a failure
    await Promise.all([new Promise((resolve) => idle.once("close", resolve)), closed(slow)]);
    await eventually(
      () => places.count,
      (count) => count === 0,
    );
  });
});
