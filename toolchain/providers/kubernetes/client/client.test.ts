import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, test } from "vitest";
import { Client } from "./client.ts";
import { ApiError, CancelledError, isFieldConflict, isTransient, UnreachableError } from "./errors.ts";
import { follow } from "./follow.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function clientOf(listener: RequestListener): Promise<Client> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return new Client(
    { server: `http://[::1]:${port}`, namespace: undefined, tls: {}, headers: async () => ({ authorization: "Bearer t" }) },
    5,
  );
}

const signal = new AbortController().signal;

test("a passing failure is retried, and the token sent each time", async () => {
  const seen: (string | undefined)[] = [];
  const client = await clientOf((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(seen.length < 3 ? 503 : 200).end('{"kind":"Status","message":"later"}');
  });
  expect(await client.request({ path: "/x", signal })).toMatchObject({ message: "later" });
  expect(seen).toEqual(["Bearer t", "Bearer t", "Bearer t"]);
});

test("a preview gives up soon, with the server's own words", async () => {
  let requests = 0;
  const client = await clientOf((_, response) => {
    requests += 1;
    response.writeHead(500).end('{"kind":"Status","message":"failed calling webhook"}');
  });
  await expect(client.request({ path: "/x", signal, patience: "preview" })).rejects.toThrow("failed calling webhook");
  expect(requests).toBe(3);
});

test("a refusal is not retried", async () => {
  let requests = 0;
  const client = await clientOf((_, response) => {
    requests += 1;
    response.writeHead(422).end('{"kind":"Status","message":"Invalid value"}');
  });
  await expect(client.request({ path: "/x", signal })).rejects.toThrow(ApiError);
  expect(requests).toBe(1);
});

test("a server that is away is named, with what to do", async () => {
  const client = new Client({ server: "https://[::1]:1", namespace: undefined, tls: {}, headers: async () => ({}) }, 5);
  await expect(client.request({ path: "/x", signal, patience: "preview" })).rejects.toThrow(
    /https:\/\/\[::1\]:1 does not answer.*kubernetes:kubeconfig/,
  );
});

test("cancellation ends a request and its retries", async () => {
  const hanging = await clientOf(() => undefined);
  const failing = await clientOf((_, response) => void response.writeHead(503, { "retry-after": "10" }).end());
  for (const client of [hanging, failing]) {
    const cancellation = new AbortController();
    const request = client.request({ path: "/x", signal: cancellation.signal });
    setTimeout(() => cancellation.abort(), 50);
    await expect(request).rejects.toThrow(CancelledError);
  }
});

test("a change under way is finished when the user cancels, and none is begun after", async () => {
  let requests = 0;
  const cancellation = new AbortController();
  const client = await clientOf((_, response) => {
    requests += 1;
    cancellation.abort();
    setTimeout(() => response.end('{"kind":"ConfigMap"}'), 50);
  });
  const change = { method: "PATCH", path: "/x", body: {}, signal: cancellation.signal } as const;
  expect(await client.request(change)).toEqual({ kind: "ConfigMap" });
  await expect(client.request(change)).rejects.toThrow(CancelledError);
  expect(requests).toBe(1);
});

test("a collection is followed through changes, bookmarks and lost watches", async () => {
  const pod = (name: string, resourceVersion: string): unknown => ({ metadata: { name, resourceVersion } });
  const watched: (string | null)[] = [];
  const client = await clientOf((request, response) => {
    const query = new URL(request.url ?? "", "http://x").searchParams;
    if (!query.has("watch")) {
      response.end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items: [pod("a", "1")] }));
      return;
    }
    watched.push(query.get("resourceVersion"));
    const events = [
      [
        { type: "ADDED", object: pod("b", "2") },
        { type: "BOOKMARK", object: pod("", "7") },
      ],
      [{ type: "DELETED", object: pod("a", "8") }],
      [{ type: "ERROR", object: { code: 410 } }],
    ][watched.length - 1];
    for (const event of events ?? []) response.write(`${JSON.stringify(event)}\n`);
    if (events !== undefined) response.end();
  });
  const stop = new AbortController();
  const states: string[] = [];
  await follow(client, { path: "/pods", query: {} }, stop.signal, (objects) => {
    states.push(objects.map((object) => `${String(object["kind"])} ${String((object["metadata"] as { name: string }).name)}`).join());
    if (states.length === 4) stop.abort();
  });
  expect(states).toEqual(["Pod a", "Pod a,undefined b", "undefined b", "Pod a"]);
  expect(watched).toEqual(["1", "7", "8"]);
});

test.each([
  [new UnreachableError("x", new Error("y")), true],
  [new ApiError(429, {}), true],
  [new ApiError(500, {}), true],
  [new ApiError(409, { reason: "Conflict" }), true],
  [new ApiError(409, { reason: "AlreadyExists" }), false],
  [new ApiError(409, { reason: "Conflict", details: { causes: [{ reason: "FieldManagerConflict" }] } }), false],
  [new ApiError(403, { message: 'error looking up service account web/default: serviceaccount "default" not found' }), true],
  [new ApiError(403, { message: "forbidden" }), false],
  [new Error("bug"), false],
])("%s is transient: %s", (error, transient) => {
  expect(isTransient(error)).toBe(transient);
  if (error instanceof ApiError && error.reason === "Conflict") expect(isFieldConflict(error)).toBe(!transient);
});
