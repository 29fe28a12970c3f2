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

test("tells a server that is away or silent", async () => {
  const fake = await start([]);
  fake.silent = true;
  await expect(client(fake.url, 0.1).query("up")).rejects.toMatchObject({ reason: "timeout", message: "no answer within 0.1 s" });
  await fake.stop();
  await expect(client(fake.url).query("up")).rejects.toMatchObject({ reason: "refused", isLoss: true });
  await expect(client("http://peakdns.invalid:9090").query("up")).rejects.toMatchObject({ reason: "unknown host" });
});
