import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "./config/config.ts";
import { UserError } from "./runtime/errors.ts";
import { startServer, type Server } from "./server.ts";
import { ask, encodeQuery, exchangeTcp } from "./testing/client.ts";
import { EdnsOption, Opcode, Rcode, Type } from "./wire/constants.ts";
import type { Endpoint } from "./wire/endpoint.ts";

/** Packets of every kind of malice against a whole server: a root that takes updates, gives transfers, and limits nothing. */

const folder = mkdtempSync(join(tmpdir(), "peak-fuzz-"));
const configuration = {
  role: "root",
  listen: ["127.0.0.1:0"],
  udp: "plain",
  zone: "peak.",
  records: [
    "$TTL 60",
    "@ SOA ns h 7 3600 600 86400 5",
    "@ NS ns",
    "ns AAAA fd00::1",
    "www AAAA 2001:db8::1",
    "alias CNAME www",
    "*.wild TXT text",
    "sub DNAME www",
    "cut NS ns.cut",
    "ns.cut AAAA fd00::2",
    `big TXT ${`"${"x".repeat(250)}" `.repeat(8)}`,
  ].join("\n"),
  keys: [{ name: "admin", secret: Buffer.alloc(32, 7).toString("base64") }],
  updates: { journal: "journal", grants: [{ key: "admin", names: ["*.peak"], types: ["AAAA"] }] },
  transfer: { keys: ["admin"] },
};
let server: Server;
let endpoint: Endpoint;
let socket: Socket;
beforeAll(async () => {
  server = await startServer(parseConfig(JSON.stringify(configuration), join(folder, "config.yaml")));
  endpoint = server.endpoints[0]!;
  socket = createSocket("udp4");
  socket.connect(endpoint.port, endpoint.address);
  await once(socket, "connect");
});
afterAll(async () => {
  socket?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

/** Lengths and counts that lie are as likely as true ones. */
const label = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("www", "alias", "wild", "sub", "cut", "ns", "big", "PeAk", "peak", "a", "_acme-challenge") },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 63 }) },
);
const labels = fc.array(label, { maxLength: 5 }).map((list) =>
  Buffer.concat([...list, "peak"].map((text) => Buffer.concat([Buffer.of(text.length), Buffer.from(text, "latin1")]))),
);
const ending = fc.oneof(
  { weight: 8, arbitrary: fc.constant(Buffer.of(0)) },
  // pointers: to the first name, into the header, ahead, to themselves; the reserved label types; a label that is longer than the message
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 0x3fff }).map((at) => Buffer.of(0xc0 | (at >> 8), at & 0xff)) },
  { weight: 3, arbitrary: fc.constantFrom(Buffer.of(0xc0, 12), Buffer.of(0xc0, 0), Buffer.of(0x40), Buffer.of(0x80, 1), Buffer.of(63), Buffer.of(0xc0)) },
);
const name = fc.tuple(labels, ending).map((parts) => Buffer.concat(parts));
const u16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);
const type = fc.oneof(fc.constantFrom<number>(...Object.values(Type), 251, 252, 255), fc.nat(0xffff));
const qclass = fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(0, 3, 254, 255) });
const question = fc.tuple(name, type, qclass).map(([owner, code, kind]) => Buffer.concat([owner, u16(code), u16(kind)]));
const rdata = fc.oneof(fc.uint8Array({ maxLength: 60 }), name);
const record = fc
  .tuple(fc.oneof(name, fc.constant(Buffer.of(0))), type, fc.oneof(qclass, fc.nat(0xffff)), fc.nat(0xffffffff), rdata, fc.option(fc.nat(0xffff), { freq: 5 }))
  .map(([owner, code, kind, ttl, data, lie]) => {
    const time = Buffer.alloc(4);
    time.writeUInt32BE(ttl);
    return Buffer.concat([owner, u16(code), u16(kind), time, u16(lie ?? data.length), data]);
  });
const option = fc
  .tuple(fc.oneof(fc.constantFrom(2, 3, 8, 9, 10, 11, 12, 15), fc.nat(0xffff)), fc.uint8Array({ maxLength: 45 }), fc.option(fc.nat(0xffff), { freq: 8 }))
  .map(([code, data, lie]) => Buffer.concat([u16(code), u16(lie ?? data.length), data]));
const opt = fc
  .tuple(fc.nat(0xffff), fc.constantFrom(0, 0, 0, 1, 255), fc.nat(0xffff), fc.array(option, { maxLength: 4 }))
  .map(([size, version, flags, options]) => {
    const data = Buffer.concat(options);
    return Buffer.concat([Buffer.of(0), u16(Type.OPT), u16(size), Buffer.of(0, version), u16(flags), u16(data.length), data]);
  });
const structured = fc
  .record({
    opcode: fc.oneof(fc.constantFrom<number>(Opcode.QUERY, Opcode.UPDATE, 4), fc.nat(15)),
    response: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(0x8000) }),
    flags: fc.nat(0x07ff),
    sections: fc.tuple(
      fc.oneof({ weight: 8, arbitrary: fc.tuple(question) }, { weight: 1, arbitrary: fc.array(question, { maxLength: 3 }) }),
      fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(record, { maxLength: 3 }) }),
      fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(record, { maxLength: 3 }) }),
      fc.array(fc.oneof(opt, record), { maxLength: 2 }),
    ),
    lie: fc.option(fc.tuple(fc.nat(3), fc.nat(0xffff)), { freq: 8 }),
    tail: fc.oneof({ weight: 9, arbitrary: fc.constant(new Uint8Array()) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) }),
  })
  .map(({ opcode, response, flags, sections, lie, tail }) => {
    const counts = sections.map((section) => section.length);
    if (lie) counts[lie[0]] = lie[1];
    return Buffer.concat([Buffer.alloc(2), u16(response | (opcode << 11) | flags), ...counts.map(u16), ...sections.flat(), tail]);
  });
const packet = fc.oneof(
  { weight: 10, arbitrary: structured },
  { weight: 2, arbitrary: fc.tuple(structured, fc.nat(200)).map(([message, cut]) => message.subarray(0, cut)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((octets) => Buffer.from(octets)) },
);

/** Sends a packet, and a query behind it: what comes before that one's answer is the packet's. */
async function send(message: Buffer): Promise<Buffer[]> {
  const answers: Buffer[] = [];
  const end = encodeQuery("peak", "SOA", 0xffff);
  const done = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer any more after ${message.toString("hex")}`)), 5000);
    const listener = (answer: Buffer): void => {
      if (answer.readUInt16BE(0) !== 0xffff) return void answers.push(answer);
      clearTimeout(timer);
      socket.off("message", listener);
      resolve();
    };
    socket.on("message", listener);
  });
  if (message.length >= 2) message.writeUInt16BE(0x1234, 0);
  socket.send(message);
  socket.send(end);
  await done;
  return answers;
}

/** What is true of the answer to any message, whatever it was. */
function checkAnswer(query: Buffer, answer: Buffer, limit: number): void {
  dnsPacket.decode(answer);
  expect(answer.readUInt16BE(0)).toBe(query.readUInt16BE(0));
  const [asked, flags] = [query.readUInt16BE(2), answer.readUInt16BE(2)];
  // QR, the same opcode, neither RA nor Z nor AD; RD as asked
  expect(flags & 0xf800).toBe(0x8000 | (asked & 0x7800));
  expect(flags & 0x00e0).toBe(0);
  expect(Object.values(Rcode)).toContain(flags & 15);
  expect(answer.length).toBeLessThanOrEqual(limit);
  // authority is claimed for names of the zone alone
  if (flags & 0x0400) expect([Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.SERVFAIL, 6]).toContain(flags & 15);
}

describe("any packet", () => {
  test("over UDP is answered as the RFCs say, or dropped where they say so; the zone stays what it was", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(packet, async (message) => {
        const answers = await send(message);
        const unanswerable = message.length < 12 || (message[2]! & 0x80) !== 0;
        expect(answers.length).toBe(unanswerable ? 0 : 1);
        if (answers[0]) checkAnswer(message, answers[0], 1232);
      }),
      { numRuns: 3000 },
    );
    const soa = await ask(endpoint, "peak", "SOA");
    expect(soa.answers).toMatchObject([{ data: { serial: 7 } }]);
  });

  test("with an OPT record gets one, whatever its opcode; of a later version of EDNS BADVERS", async () => {
    for (let opcode = 0; opcode < 16; opcode++) {
      for (const version of [0, 1]) {
        // the option of a later version need not be one of ours
        const options = version === 0 ? [] : [0, EdnsOption.COOKIE, 0, 1, 0];
        const record = Buffer.of(0, 0, Type.OPT, 4, 0, 0, version, 0, 0, 0, options.length, ...options);
        const query = Buffer.concat([encodeQuery("www.peak", "SOA", 0x1234), record]);
        query[2] = opcode << 3;
        query[11] = 1;
        const [answer] = await send(query);
        expect(dnsPacket.decode(answer!).additionals, `opcode ${opcode}`).toMatchObject([{ type: "OPT", extendedRcode: version }]);
      }
    }
  });

  test("over TCP leaves the server answering others", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 8 }), async (messages) => {
        for (const message of messages) if (message.length >= 2) message.writeUInt16BE(0x1234, 0);
        // a message that must not be answered ends the connection, so that fewer answers come than were asked for
        const answers = await exchangeTcp(endpoint, [...messages, encodeQuery("peak", "SOA", 0xffff)]).catch(() => []);
        for (const answer of answers) dnsPacket.decode(answer);
      }),
      { numRuns: 300 },
    );
    expect((await ask(endpoint, "www.peak", "AAAA")).answers).toHaveLength(1);
  });

  test("of the largest size is answered", async () => {
    const query = encodeQuery("www.peak", "AAAA", 1);
    const padded = Buffer.concat([query, Buffer.alloc(0xffff - query.length)]);
    const names = Buffer.concat([query.subarray(0, 12), Buffer.alloc(0xffff - 12, 0xc0)]);
    // as many records as fit, each of whose names is a pointer to the one before
    const records = Buffer.alloc(0xffff);
    query.copy(records);
    records.writeUInt16BE(5000, 10);
    for (let at = query.length; at + 12 <= records.length; at += 12) records.writeUInt16BE(0xc000 | Math.min(0x3fff, Math.max(12, at - 12)), at);
    for (const message of [padded, names, records]) {
      const [answer] = await exchangeTcp(endpoint, [message]);
      expect(answer!.readUInt16BE(2) & 15).toBe(Rcode.FORMERR);
    }
  });

  test("takes no memory that stays", { timeout: 120_000 }, async () => {
    const messages = fc.sample(packet, { numRuns: 200, seed: 1 });
    const rounds = async (count: number): Promise<number> => {
      for (let i = 0; i < count; i++) for (const message of messages) await send(Buffer.from(message));
      return process.memoryUsage().heapUsed;
    };
    const before = await rounds(10);
    const after = await rounds(20);
    // much less than one of the 4000 packets could leave if it left 10 KB
    expect(after - before).toBeLessThan(40 << 20);
  });
});

test("any configuration is taken, or refused with a message that names the file", () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.constant([]), fc.constant({}), fc.constant(["[::1]:53"]));
  const keys = ["role", "listen", "zone", "records", "file", "keys", "updates", "transfer", "nameServers", "dnssec", "tls", "odd", "http", "zones"];
  const given = fc.dictionary(fc.constantFrom(...keys), value);
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    given.map((changes) => JSON.stringify({ ...configuration, ...changes })),
    fc.tuple(fc.constantFrom("root", "cluster", "zones", "secondary"), given).map(([role, rest]) => JSON.stringify({ ...rest, role })),
    // YAML of its own: aliases, tags, several documents, deep nesting
    fc.constantFrom("a: &a [*a]", "role: !!js/function x", "---\nrole: root\n---\nrole: zones", "[".repeat(2000), "&a [&b [*a,*b]]", "\0"),
  );
  fc.assert(
    fc.property(text, (yaml) => {
      try {
        parseConfig(yaml, "config.yaml");
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toMatch(/config\.yaml/);
      }
    }),
    { numRuns: 1000 },
  );
});
