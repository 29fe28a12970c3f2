import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually, exchangeTcp } from "../testing/client.ts";
import type { Handler } from "../view/exchange.ts";
import { FrameReader, frame } from "./frame.ts";
import { TcpTransport } from "./tcp.ts";

let transport: TcpTransport;
afterEach(() => transport.close());

const response = (text: string, more?: Iterable<Buffer>): ReturnType<Handler> => ({
  message: Buffer.from(text),
  rcode: 0,
  type: 1,
  ...(more ? { more } : {}),
});

describe("answers of many messages", () => {
  test("come in order and one after another, others in between", async () => {
    function* messages(name: string): Generator<Buffer> {
      for (let i = 1; i < 200; i++) yield Buffer.from(`${name}${i}`);
    }
    transport = new TcpTransport({ address: "::1", port: 0 }, (message) => {
      const name = Buffer.from(message).toString();
      return name === "plain" ? response(name) : response(`${name}0`, messages(name));
    });
    await transport.listen();
    const got: string[] = [];
    const socket = connect({ port: transport.endpoint.port, host: "::1" });
    const frames = new FrameReader();
    socket.on("data", (chunk: Buffer) => got.push(...Array.from(frames.push(chunk), String)));
    socket.write(Buffer.concat(["a", "b"].map((name) => frame(Buffer.from(name)))));
    await eventually(
      () => got.length,
      (count) => count > 10,
    );
    socket.write(frame(Buffer.from("plain")));
    await eventually(
      () => got.length,
      (count) => count === 401,
    );
    socket.destroy();
    const of = (name: string): string[] => got.filter((text) => text.startsWith(name));
    expect(of("a")).toEqual(Array.from({ length: 200 }, (_, i) => `a${i}`));
    expect(of("b")).toEqual(Array.from({ length: 200 }, (_, i) => `b${i}`));
    expect(got.indexOf("a199")).toBeLessThan(got.indexOf("b1"));
  });

  test("are made as the peer reads, and closed when it goes", async () => {
    const state = { made: 0, closed: false };
    function* endless(): Generator<Buffer> {
      try {
        for (;;) {
          state.made++;
          yield Buffer.alloc(16_384);
        }
      } finally {
        state.closed = true;
      }
    }
    transport = new TcpTransport({ address: "::1", port: 0 }, () => response("x", endless()));
    await transport.listen();
    const socket = connect({ port: transport.endpoint.port, host: "::1" });
    await once(socket, "connect");
    socket.write(frame(Buffer.from("x")));
    let before = -1;
    // what fits into the buffers of the kernel, and then no more
    await eventually(
      () => [before, (before = state.made)],
      ([last, now]) => last! > 10 && last === now,
    );
    socket.destroy();
    await eventually(
      () => state.closed,
      (closed) => closed,
    );
  });

  test("more than a few at once from one that does not read end the connection", async () => {
    function* one(): Generator<Buffer> {
      yield Buffer.from("y");
    }
    transport = new TcpTransport({ address: "::1", port: 0 }, () => response("x", one()));
    await transport.listen();
    const many = Array.from({ length: 100 }, () => Buffer.from("x"));
    expect((await exchangeTcp(transport.endpoint, many).catch(() => [])).length).toBeLessThan(100);
  });
});
