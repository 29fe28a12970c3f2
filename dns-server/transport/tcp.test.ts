import { once } from "node:events";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { exchangeTcp } from "../testing/client.ts";
import { FrameReader, frame } from "./frame.ts";
import { ConnectionLimits } from "../limit/connections.ts";
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from "./listener.ts";
import { TcpTransport } from "./tcp.ts";

describe("framing", () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 12 });
  test("messages come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (input, sizes) => {
        const stream = Buffer.concat(input.map(frame));
        const reader = new FrameReader();
        const output: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const end = at + sizes[turn % sizes.length]!;
          output.push(...reader.push(stream.subarray(at, end)));
          at = end;
        }
        expect(output.map((message) => message.toString("hex"))).toEqual(input.map((message) => Buffer.from(message).toString("hex")));
      }),
    );
  });
});

describe("connections", () => {
  let transport: TcpTransport;
  const clients: Socket[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await transport.close();
  });
  /** Echoes messages; one that starts with an x must not be answered. */
  async function serve(limits: Partial<StreamLimits> = {}): Promise<TcpTransport> {
    transport = new TcpTransport(
      { address: "::1", port: 0 },
      (message) => (message[0] === 0x78 ? undefined : { message: Buffer.from(message), rcode: 0, type: 1 }),
      { ...DEFAULT_STREAM_LIMITS, ...limits },
    );
    await transport.listen();
    return transport;
  }
  async function open(): Promise<Socket> {
    const socket = connect({ port: transport.endpoint.port, host: "::1" });
    clients.push(socket);
    await once(socket, "connect");
    return socket;
  }
  const closed = async (socket: Socket): Promise<void> => {
    socket.resume();
    socket.on("error", () => {}); // a reset is an end, too
    if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
  };

  test("pipelined messages are answered on one connection", async () => {
    await serve();
    const sent = Array.from({ length: 100 }, (_, i) => Buffer.from(`message ${i}`));
    expect(await exchangeTcp(transport.endpoint, sent)).toEqual(sent);
  });
  test("an idle connection is closed, also one that stops inside a message", async () => {
    await serve({ idleMs: 50 });
    const [idle, half] = [await open(), await open()];
    half.write(Buffer.from([0, 9, 1]));
    await Promise.all([closed(idle), closed(half)]);
  });
  test("a message that comes octet by octet has to come to an end in time", async () => {
    await serve({ idleMs: 100 });
    const slow = await open();
    slow.write(Buffer.from([0, 200]));
    const timer = setInterval(() => slow.write("a"), 10);
    await closed(slow).finally(() => clearInterval(timer));
  });
  test("a connection ends when its time is over, whatever it does", async () => {
    await serve({ totalMs: 100 });
    const busy = await open();
    const timer = setInterval(() => busy.write(frame(Buffer.from("a"))), 10);
    await closed(busy).finally(() => clearInterval(timer));
  });
  test("what must not be answered ends the connection", async () => {
    await serve();
    const socket = await open();
    socket.write(frame(Buffer.from("x")));
    await closed(socket);
  });
  test("what was asked before it on the connection is answered, what comes behind is not", async () => {
    await serve();
    const socket = await open();
    socket.write(Buffer.concat(["a", "b", "x", "c"].map((text) => frame(Buffer.from(text)))));
    socket.write(frame(Buffer.from("d")));
    expect(Buffer.concat(await socket.toArray())).toEqual(Buffer.concat([frame(Buffer.from("a")), frame(Buffer.from("b"))]));
    await closed(socket);
  });
  test("connections above the limit are closed, the others go on", async () => {
    const places = new ConnectionLimits({ total: 1, perSource: 1 });
    await serve({ enter: (client, evict) => places.enter(client, evict) });
    const first = await open();
    await closed(await open());
    first.write(frame(Buffer.from("a")));
    expect(await once(first, "data")).toEqual([frame(Buffer.from("a"))]);
  });
  test("pipelined messages with large answers wait while the client reads nothing, and are all answered once it does", async () => {
    let handled = 0;
    transport = new TcpTransport({ address: "::1", port: 0 }, () => ({ message: Buffer.alloc(60_000, ++handled), rcode: 0, type: 1 }));
    await transport.listen();
    const socket = await open();
    socket.pause();
    socket.write(Buffer.concat(Array.from({ length: 2000 }, () => frame(Buffer.from("q")))));
    let before = -1;
    for (let i = 0; i < 100 && handled !== before; i++) {
      before = handled;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // what fits into the buffers of the kernel, and a little more
    expect(handled).toBeLessThan(500);
    const reader = new FrameReader();
    let answers = 0;
    for await (const chunk of socket) {
      for (const _ of reader.push(chunk as Buffer)) answers++;
      if (answers === 2000) break;
    }
    expect(answers).toBe(2000);
  });
  test("closing the transport closes its connections", async () => {
    await serve();
    const socket = await open();
    await transport.close();
    await closed(socket);
  });
});
