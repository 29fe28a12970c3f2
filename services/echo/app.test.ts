import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Readiness } from "../shared/readiness.ts";
import { echo, MAX_BYTES, MAX_WORK_MS } from "./app.ts";
import { Burner } from "./burner.ts";

const self = { pod: "echo-1", node: "pi2", addresses: ["2001:db8::10", "fd00::10"] };

let url: string;
let readiness: Readiness;
let stop: () => Promise<void>;
/** How many bytes the server has written to all of its connections. */
let written: () => number;

beforeEach(async () => {
  readiness = new Readiness();
  const burner = new Burner(1);
  const server = createServer(echo({ self, readiness, burner, registry: new Registry() })).listen(0, "::1");
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket));
  written = () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  await once(server, "listening");
  url = `http://[::1]:${(server.address() as AddressInfo).port}`;
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await burner.close();
  };
});

afterEach(() => stop());

async function metric(line: RegExp): Promise<string | undefined> {
  return line.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
}

/** Waits until so many requests are being answered, probes and scrapes apart. */
async function inFlight(count: number): Promise<void> {
  await expect.poll(() => metric(/^http_requests_in_flight (\d+)$/m), { timeout: 30_000, interval: 10 }).toBe(String(count));
}

describe("/", () => {
  it("says who answers and counts its requests", async () => {
    expect(await (await fetch(url)).json()).toEqual({ ...self, requests: 1 });
    expect(await (await fetch(url)).json()).toEqual({ ...self, requests: 2 });
  });

  it("does not count probes and scrapes", async () => {
    for (const path of ["/healthz", "/livez", "/metrics"]) await (await fetch(url + path)).text();
    expect(await (await fetch(url)).json()).toMatchObject({ requests: 1 });
  });
});

describe("/work", () => {
  it("answers when the work is done", async () => {
    expect(await (await fetch(`${url}/work?ms=5`)).json()).toEqual({ pod: "echo-1", ms: 5 });
  });

  it("leaves the probes their turn while it works", async () => {
    const order: string[] = [];
    const work = fetch(`${url}/work?ms=300`).then(() => order.push("work"));
    await fetch(`${url}/healthz`).then(() => order.push("probe"));
    await work;
    expect(order).toEqual(["probe", "work"]);
  });

  it("forgets work whose client has gone before it began", async () => {
    const first = fetch(`${url}/work?ms=2000`);
    await inFlight(1);
    const leave = new AbortController();
    const others = Array.from({ length: 100 }, () => fetch(`${url}/work?ms=${MAX_WORK_MS}`, { signal: leave.signal }).catch(() => "gone"));
    await inFlight(101);
    leave.abort();
    expect(new Set(await Promise.all(others))).toEqual(new Set(["gone"]));
    await first;
    // Behind what is not forgotten it would wait for a thousand seconds.
    expect((await fetch(`${url}/work?ms=1`)).status).toBe(200);
  });

  it.each(["", "?ms=", "?ms=-1", "?ms=1.5", "?ms=1e3", "?ms=abc", `?ms=${MAX_WORK_MS + 1}`])("refuses %j", async (query) => {
    const answer = await fetch(`${url}/work${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.stringContaining(`ms must be a whole number from 0 to ${MAX_WORK_MS}`) });
  });
});

describe("/bytes", () => {
  it.each([0, 1, 65_536, 200_001])("streams %d bytes", async (size) => {
    const answer = await fetch(`${url}/bytes/${size}`);
    expect(answer.headers.get("content-length")).toBe(String(size));
    expect((await answer.arrayBuffer()).byteLength).toBe(size);
  });

  it("tells a HEAD the length and sends nothing", async () => {
    const answer = await fetch(`${url}/bytes/${MAX_BYTES}`, { method: "HEAD" });
    expect(answer.headers.get("content-length")).toBe(String(MAX_BYTES));
    expect(await answer.text()).toBe("");
  });

  it("makes no more than the client takes, and stops when it leaves", async () => {
    const get = request(`${url}/bytes/${MAX_BYTES}`).end();
    const [answer] = (await once(get, "response")) as [IncomingMessage];
    answer.pause();
    // What is made fills the buffers between the two, some MiB, and then stays as it is.
    let made = -1;
    for (let now = written(); now !== made; now = written()) {
      made = now;
      await sleep(200);
    }
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(MAX_BYTES / 16);
    await inFlight(1);
    answer.destroy();
    await inFlight(0);
  });

  it.each(["/bytes", "/bytes/", "/bytes/x", "/bytes/-1", "/bytes/1/2", `/bytes/${MAX_BYTES + 1}`])("refuses %s", async (path) => {
    const answer = await fetch(url + path);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toEqual({ error: expect.stringContaining("must be a whole number") });
  });
});

describe("what every service answers", () => {
  it("is ready until it drains, and alive and serving in both cases", async () => {
    const status = async (path: string) => (await fetch(url + path)).status;
    expect([await status("/healthz"), await status("/livez"), await status("/")]).toEqual([200, 200, 200]);
    readiness.drain();
    expect([await status("/healthz"), await status("/livez"), await status("/")]).toEqual([503, 200, 200]);
  });

  it("asks clients that keep their connection to come again by name once it drains", async () => {
    expect((await fetch(url)).headers.get("connection")).toBe("keep-alive");
    readiness.drain();
    expect((await fetch(url)).headers.get("connection")).toBe("close");
  });

  it("has metrics of its requests and its process", async () => {
    await (await fetch(url)).text();
    await (await fetch(`${url}/nowhere`)).text();
    expect(await metric(/^http_requests_total\{route="\/",code="200"\} (\d+)$/m)).toBe("1");
    expect(await metric(/^http_requests_total\{route="other",code="404"\} (\d+)$/m)).toBe("1");
    expect(await metric(/^http_request_duration_seconds_count\{route="\/"\} (\d+)$/m)).toBe("1");
    expect(Number(await metric(/^process_cpu_seconds_total (\S+)$/m))).toBeGreaterThan(0);
  });

  it.each([
    ["GET", "/nowhere", 404],
    ["GET", "/constructor", 404],
    ["POST", "/", 405],
    ["DELETE", "/bytes/1", 405],
  ])("answers %s %s with %d", async (method, path, status) => {
    const answer = await fetch(url + path, { method });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error: expect.any(String) });
  });

  it("survives a request target that is no URL", async () => {
    const { port } = new URL(url);
    const get = request({ host: "::1", port, path: "//[" }).end();
    const [answer] = (await once(get, "response")) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(400);
  });
});
