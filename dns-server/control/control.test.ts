import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FailureError, UserError } from "../runtime/errors.ts";
import { askServer } from "./client.ts";
import { serveControl, type ControlRoutes } from "./server.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "peakdns-control-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  path = join(folder, "run", "control.sock");
});

const routes: ControlRoutes = {
  "GET /echo": (parameters) => ({ said: parameters.get("text") }),
  "POST /echo": (_, body) => body,
  "GET /user-error": () => {
    throw new UserError("a fault of the asker");
  },
  "GET /failure": () => {
    throw new FailureError("no primary answers");
  },
  "GET /bug": () => {
    throw new Error("a secret of the server");
  },
};
async function serve(): Promise<void> {
  const control = await serveControl(path, routes);
  cleanups.push(() => control.close());
}

describe("requests", () => {
  test("parameters and bodies arrive, answers come back", async () => {
    await serve();
    expect(await askServer(path, "GET", "/echo?text=a%20b")).toEqual({ said: "a b" });
    expect(await askServer(path, "POST", "/echo", { a: [1, "ü"] })).toEqual({ a: [1, "ü"] });
  });
  test.each([
    ["GET", "/user-error", UserError, "a fault of the asker"],
    ["GET", "/failure", FailureError, "no primary answers"],
    ["GET", "/bug", FailureError, "the request failed: see the server's log"],
    ["GET", "/nothing", FailureError, "this server knows no GET /nothing"],
    ["DELETE", "/echo", FailureError, "this server knows no DELETE /echo"],
  ])("%s %s", async (method, target, kind, message) => {
    await serve();
    const asked = askServer(path, method, target);
    await expect(asked).rejects.toThrow(kind);
    await expect(asked).rejects.toThrow(message);
  });
  test("a body that is too long or is no JSON is the asker's fault", async () => {
    await serve();
    await expect(askServer(path, "POST", "/echo", { text: "x".repeat(70_000) })).rejects.toThrow("at most 65536 octets");
    const sent = request({ socketPath: path, method: "POST", path: "/echo" }).end("{");
    const [response] = await once(sent, "response");
    expect([response.statusCode, String(await response.setEncoding("utf8").toArray())]).toEqual([400, expect.stringContaining("not JSON")]);
  });
  test("without a server the message says what to do", async () => {
    await expect(askServer(path, "GET", "/echo")).rejects.toThrow(
      new FailureError(`no server listens on ${path}: give the server the key control, and here the same path with --control, or its --config`),
    );
  });
  test("a server that does not answer in time has failed, and the asker has done nothing wrong", async () => {
    await serve();
    const silent = createServer(() => {}).listen({ path: `${path}.silent` });
    await once(silent, "listening");
    cleanups.push(() => silent.close());
    const sent = askServer(`${path}.silent`, "GET", "/echo", undefined, 50);
    await expect(sent).rejects.toThrow(new FailureError(`the server on ${path}.silent gave no answer within 0.05 s`));
  });
  test("what is no PeakDNS is said to be none", async () => {
    await serve();
    const other = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"));
    other.listen({ path: `${path}.other` });
    await once(other, "listening");
    cleanups.push(() => other.close());
    await expect(askServer(`${path}.other`, "GET", "/echo")).rejects.toThrow("is no PeakDNS");
  });
});

describe("the socket", () => {
  test("is open to nobody else, and goes with its server", async () => {
    const control = await serveControl(path, routes);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await control.close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });
  test("that a killed server has left is taken over", async () => {
    await serveControl(path, routes).then((control) => control.close());
    const killed = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`,
    ]);
    await once(killed, "exit");
    expect(statSync(path).isSocket()).toBe(true);
    await serve();
    expect(await askServer(path, "GET", "/echo?text=x")).toEqual({ said: "x" });
  });
  test("that a server listens on, and a file that is no socket, stay", async () => {
    await serve();
    await expect(serve()).rejects.toThrow(`another server listens on ${path}`);
    expect(await askServer(path, "GET", "/echo?text=x")).toEqual({ said: "x" });
    writeFileSync(`${path}.file`, "precious");
    path = `${path}.file`;
    await expect(serve()).rejects.toThrow("is no socket");
    expect(statSync(path).size).toBe(8);
  });
});
