import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { FakePrometheus, parseError, type FakeAnswer } from "../testing/fake-prometheus.ts";
import { Prometheus, QueryError } from "./prometheus.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(answer: FakeAnswer): Promise<FakePrometheus> {
  const fake = new FakePrometheus(() => answer);
  await fake.start();
  cleanups.push(() => fake.stop());
  return fake;
}
const client = (url: string, timeout = 5): Prometheus => new Prometheus({ url, timeout, parallel: 2 });
const ok = (data: object, more: object = {}): FakeAnswer => ({ status: 200, body: JSON.stringify({ status: "success", data, ...more }) });

test.each<[string, FakeAnswer, object]>([
  ["a vector", [[{ pod: "a" }, "1.5"]], { samples: [{ labels: { pod: "a" }, value: 1.5 }], warnings: [] }],
  ["an empty vector", [], { samples: [], warnings: [] }],
  [
    "what is no number",
    [
      [{}, "NaN"],
      [{}, "+Inf"],
      [{}, "-Inf"],
    ],
    { samples: [NaN, Infinity, -Infinity].map((value) => ({ labels: {}, value })) },
  ],
  [
    "native histograms beside numbers",
    ok({
      resultType: "vector",
      result: [
        { metric: { pod: "a" }, value: [1, "7"] },
        { metric: { pod: "b" }, histogram: [1, { count: "1", sum: "2", buckets: [] }] },
      ],
    }),
    { samples: [{ labels: { pod: "a" }, value: 7 }] },
  ],
  [
    "what is malformed beside numbers",
    ok({
      resultType: "vector",
      result: [
        { metric: { pod: "a" }, value: [1, "7"] },
        { metric: { pod: "b" }, value: [1, null] },
        { metric: { pod: 5 }, value: [1, "8"] },
        { metric: { pod: "c" }, value: [1, ""] },
        null,
      ],
    }),
    {
      samples: [
        { labels: { pod: "a" }, value: 7 },
        { labels: { pod: "c" }, value: NaN },
      ],
    },
  ],
  ["nothing, as some say it", ok({ resultType: "vector", result: null }, { warnings: null }), { samples: [], warnings: [] }],
  ["a scalar", ok({ resultType: "scalar", result: [1.5, "7"] }), { samples: [{ labels: {}, value: 7 }] }],
  ["warnings", ok({ resultType: "vector", result: [] }, { warnings: ["partial"] }), { samples: [], warnings: ["partial"] }],
])("reads %s", async (_, answer, expected) => {
  const { url } = await start(answer);
  expect(await client(`${url}/`).query("up")).toMatchObject(expected);
});

test.each<[string, FakeAnswer, string, boolean, string]>([
  ["no PromQL", parseError("1:3: parse error"), "rejected", false, "1:3: parse error"],
  [
    "what cannot be evaluated",
    { status: 422, body: '{"status":"error","errorType":"execution","error":"many-to-many"}' },
    "failed",
    false,
    "many-to-many",
  ],
  [
    "a query that took too long",
    { status: 503, body: '{"status":"error","errorType":"timeout","error":"timed out"}' },
    "timeout",
    true,
    "timed out",
  ],
  ["a server in trouble", { status: 500, body: '{"status":"error","errorType":"internal","error":"disk"}' }, "status", true, "disk"],
  ["a matrix", ok({ resultType: "matrix", result: [] }), "failed", false, "gives a matrix, not an instant vector or a scalar"],
  [
    "too many samples",
    Array.from({ length: 20_001 }, (_, i) => [{ pod: `p${i}` }, "1"] as const),
    "failed",
    false,
    "more than 20000 samples: restrict it to the domain's pods",
  ],
  ["too much of an answer", { status: 200, body: " ".repeat(9 << 20) }, "failed", false, "more than 8 MiB: restrict it"],
  ["another server", { status: 404, body: "<html>" }, "status", true, "HTTP status 404"],
  [
    "another protocol",
    { status: 200, body: '{"status":"success","data":{"resultType":"vector","result":[{}]}}' },
    "protocol",
    true,
    "none of Prometheus' API",
  ],
])("tells %s", async (_, answer, reason, isLoss, message) => {
  const { url } = await start(answer);
  const error = await client(url)
    .query("up")
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(QueryError);
  expect(error).toMatchObject({ reason, isLoss, message: expect.stringContaining(message) });
});

test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
  ["begins and has no end", (_, response) => void response.writeHead(200).write("{")],
  [
    "is the start of another protocol",
    ({ socket }) => void socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
  ],
])("waits no longer than it may for an answer that %s", async (_, handle) => {
  const server = createServer(handle).listen(0, "::1");
  await once(server, "listening");
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const asked = client(`http://[::1]:${(server.address() as AddressInfo).port}`, 0.2).query("up");
  await expect(asked).rejects.toMatchObject({ reason: "timeout", message: "no answer within 0.2 s" });
});

test("tells no more of a fault than fits into a line of the log", async () => {
  const { url } = await start(parseError("x".repeat(1 << 20)));
  const error = (await client(url)
    .query("up")
    .catch((thrown: unknown) => thrown)) as QueryError;
  expect([error.reason, error.message.length < 1100]).toEqual(["rejected", true]);
});

test("asks for no more samples than it takes", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => asked.push(text));
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result: [] } }));
  });
  server.listen(0, "::1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  await client(`http://[::1]:${(server.address() as AddressInfo).port}`).query("up");
  expect(new URLSearchParams(asked.join("")).get("limit")).toBe("20001");
});

test("tells a server that is away or silent", async () => {
  const fake = await start([]);
  fake.silent = true;
  await expect(client(fake.url, 0.1).query("up")).rejects.toMatchObject({ reason: "timeout", message: "no answer within 0.1 s" });
  await fake.stop();
  await expect(client(fake.url).query("up")).rejects.toMatchObject({ reason: "refused", isLoss: true });
  await expect(client("http://peakdns.invalid:9090").query("up")).rejects.toMatchObject({ reason: "unknown host" });
});
