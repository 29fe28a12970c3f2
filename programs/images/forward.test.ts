import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { forward } from "./forward.ts";

let server: Server;
let port: number;

beforeEach(async () => {
  // Answers once it was told all: what the client's end of sending must get through for.
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().once("end", () => socket.end(`${socket.bytesRead} bytes`));
  }).listen(0, "::1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});

afterEach(() => void server.close());

it("passes both directions on, and the end of each by itself", async () => {
  await using forwarder = await forward("::1", port);
  const sizes = [0, 1, 1_000_000];
  const answers = sizes.map((size) => {
    const socket = connect({ port: forwarder.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.end(Buffer.alloc(size));
    return text(socket);
  });
  expect(await Promise.all(answers)).toEqual(["0 bytes", "1 bytes", "1000000 bytes"]);
});

it("breaks the connection when the target does", async () => {
  await using forwarder = await forward("::1", port);
  server.close();
  const socket = connect(forwarder.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "close");
});

it("leaves neither a port nor a connection when it is disposed", async () => {
  const forwarder = await forward("::1", port);
  const socket = connect(forwarder.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  await forwarder[Symbol.asyncDispose]();
  if (!socket.closed) await once(socket, "close");
  const late = connect(forwarder.port, "127.0.0.1");
  const [error] = (await once(late, "error")) as [NodeJS.ErrnoException];
  expect(error.code).toBe("ECONNREFUSED");
});
