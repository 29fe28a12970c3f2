import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { Limits } from "../limit/limits.ts";
import { addressesIn, ask, encodeQuery, eventually, exchangeUdp, rcodeOf } from "../testing/client.ts";
import { testIdentity } from "../testing/identity.ts";
import { Answerer } from "../view/answerer.ts";
import type { Response } from "../view/exchange.ts";
import { Rcode } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { parseName } from "../wire/name.ts";
import { loadZone } from "../zone/load.ts";
import { BatchedUdpTransport } from "./batched/batched-udp.ts";
import { TcpTransport } from "./tcp.ts";
import type { Transport } from "./transport.ts";
import { UdpTransport } from "./udp.ts";

/** One suite for both ways of UDP. */

const text = (address: string): string =>
  `$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nwww AAAA ${address}\nd DNAME www\nlarge TXT ${'"0123456789" '.repeat(97)}\n`;
const view = (address: string) => {
  const { zone } = loadZone(parseName("example."), { file: "test", text: text(address) });
  return { zones: new Map([[zone.origin, zone]]), loading: [] };
};

/** A query with an OPT record. */
function withPayloadSize(query: Buffer, size: number): Buffer {
  const message = Buffer.concat([query, Buffer.from("000029000000000000000000", "hex").subarray(0, 11)]);
  message.writeUInt16BE(1, 10);
  message.writeUInt16BE(size, query.length + 3);
  return message;
}

interface Served {
  readonly endpoint: Endpoint;
  readonly answerer: Answerer;
  readonly generally: (Response | undefined)[];
  readonly transport: Transport;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A port that is free for the address now, by way of TCP. */
async function freeEndpoint(address: string): Promise<Endpoint> {
  const probe = new TcpTransport({ address, port: 0 }, () => undefined);
  await probe.listen();
  const { endpoint } = probe;
  await probe.close();
  return endpoint;
}

type Make = (endpoint: Endpoint, answerer: Answerer, count: (response: Response | undefined) => void) => Transport;
const plain: Make = (endpoint, answerer) => new UdpTransport(endpoint, (message, client) => answerer.respond(message, "udp", client));
const batched =
  (workers: number): Make =>
  (endpoint, answerer, count) =>
    new BatchedUdpTransport([endpoint], answerer, {
      workers,
      handle: (message, client) => answerer.respond(message, "udp", client),
      nsid: testIdentity.nsid,
      cookieSecret: new Uint8Array(16),
      limits: new Limits(undefined, undefined),
      count,
    });

async function serve(make: Make, address: string): Promise<Served> {
  const endpoint = await freeEndpoint(address);
  const answerer = new Answerer(testIdentity);
  answerer.setView(view("2001:db8::1"));
  const generally: (Response | undefined)[] = [];
  const transport = make(endpoint, answerer, (response) => generally.push(response));
  await transport.listen();
  cleanups.push(() => transport.close());
  return { endpoint, answerer, generally, transport };
}

const isLinux = process.platform === "linux";
describe.each([
  ["plain", plain, true],
  ["batched", batched(1), isLinux],
  ["batched on two threads", batched(2), isLinux],
] as const)("%s", (_, make, available) => {
  describe.runIf(available)("UDP", () => {
    test.each(["::1", "127.0.0.1", "::", "0.0.0.0"])("answers on %s, from tables and by the general path", async (address) => {
      const { endpoint } = await serve(make, address);
      const at = { ...endpoint, address: address === "::" ? "::1" : address === "0.0.0.0" ? "127.0.0.1" : address };
      expect(addressesIn(await ask(at, "www.example", "AAAA"))).toEqual(["2001:db8::1"]);
      const general = await ask(at, "x.d.example", "AAAA");
      expect([rcodeOf(general), general.answers?.length]).toEqual([Rcode.NXDOMAIN, 2]);
    });

    test("a new view counts from the next query on", async () => {
      const { endpoint, answerer } = await serve(make, "::1");
      expect(addressesIn(await ask(endpoint, "www.example", "AAAA"))).toEqual(["2001:db8::1"]);
      for (let i = 2; i < 20; i++) {
        answerer.setView(view(`2001:db8::${i}`));
        expect(addressesIn(await ask(endpoint, "www.example", "AAAA"))).toEqual([`2001:db8::${i}`]);
      }
      answerer.setView({ zones: new Map(), loading: [] });
      expect(rcodeOf(await ask(endpoint, "www.example", "AAAA"))).toBe(Rcode.REFUSED);
    });

    test.each(["::1", "127.0.0.1", "::", "0.0.0.0"])("hundreds of queries at once on %s each get their own answer", async (address) => {
      const { endpoint } = await serve(make, address);
      const at = { "::": "::1", "0.0.0.0": "127.0.0.1" }[address] ?? address;
      const sockets = Array.from({ length: 2 }, () => createSocket(address.includes(":") ? "udp6" : "udp4"));
      cleanups.push(async () => sockets.forEach((socket) => socket.close()));
      // some by the general path, some so large that not all of them fit into one message
      const queries = (["www.example AAAA", "large.example TXT", "none.example AAAA", "x.d.example AAAA"] as const).map((question) => {
        const [name, type] = question.split(" ") as [string, "AAAA" | "TXT"];
        return withPayloadSize(encodeQuery(name, type), 1232);
      });
      const target = { ...endpoint, address: at };
      const expected = await Promise.all(queries.map(async (query) => (await exchangeUdp(target, query)).subarray(2)));
      const kindOf = (id: number): number => (id >> 1) % queries.length;
      const ids = new Set<number>();
      for (const [index, socket] of sockets.entries())
        socket.on("message", (message) => {
          const id = message.readUInt16BE(0);
          if ((id & 1) === index && message.subarray(2).equals(expected[kindOf(id)]!)) ids.add(id);
        });
      for (let id = 0; id < 600; id++) {
        const query = Buffer.from(queries[kindOf(id)]!);
        query.writeUInt16BE(id);
        sockets[id & 1]!.send(query, endpoint.port, at);
        // no more than the buffers of our own sockets hold
        if (id % 200 === 199)
          await eventually(
            () => ids.size,
            (size) => size === id + 1,
          );
      }
    });

    test("what is no query gets nothing, and the next query its answer", async () => {
      const { endpoint } = await serve(make, "::1");
      const socket = createSocket("udp6");
      cleanups.push(async () => void socket.close());
      const received: Buffer[] = [];
      socket.on("message", (message) => received.push(message));
      const response = encodeQuery("www.example", "AAAA", 1);
      response[2] = 0x80;
      for (const message of [Buffer.alloc(0), Buffer.alloc(5), response, encodeQuery("www.example", "AAAA", 2)])
        socket.send(message, endpoint.port, endpoint.address);
      await eventually(
        () => received.length,
        (length) => length > 0,
      );
      expect(received.map((message) => message.readUInt16BE(0))).toEqual([2]);
      // larger than any query
      expect((await exchangeUdp(endpoint, Buffer.concat([encodeQuery("www.example", "AAAA"), Buffer.alloc(5000)])))[3]! & 15).toBe(
        Rcode.FORMERR,
      );
    });

    test("a port that is taken is the error of the system", async () => {
      const { endpoint } = await serve(plain, "::1");
      const other = make(endpoint, new Answerer(testIdentity), () => {});
      await expect(other.listen()).rejects.toMatchObject({ code: "EADDRINUSE", syscall: "bind" });
      await other.close();
    });

    test("the answer comes from the address that was asked, on a wildcard socket too", async () => {
      if (make === plain) return; // Node cannot; its README says so
      const { endpoint } = await serve(make, "0.0.0.0");
      const socket = createSocket("udp4");
      cleanups.push(async () => void socket.close());
      const got = once(socket, "message");
      socket.send(encodeQuery("www.example", "AAAA"), endpoint.port, "127.0.0.7");
      expect((await got)[1]).toMatchObject({ address: "127.0.0.7" });
    });
  });
});

describe.runIf(isLinux)("batched", () => {
  test("counts what the tables answered by type and rcode, the rest as it is answered", async () => {
    const { endpoint, transport, generally } = await serve(batched(1), "::1");
    for (const [name, type] of [
      ["www.example", "AAAA"],
      ["www.example", "AAAA"],
      ["none.example", "A"],
      ["x.d.example", "A"],
    ] as const)
      await ask(endpoint, name, type);
    const counts = [...(transport as BatchedUdpTransport).counts()];
    expect(counts).toEqual([
      { type: 1, rcode: Rcode.NXDOMAIN, count: 1 },
      { type: 28, rcode: Rcode.NOERROR, count: 2 },
    ]);
    expect(generally.map((response) => response?.rcode)).toEqual([Rcode.NXDOMAIN]);
  });
});
