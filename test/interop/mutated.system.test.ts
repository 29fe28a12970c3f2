import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeQuery, freePort } from "../../dns-server/testing/client.ts";
import { isInstalled, knot, startPeer } from "../../dns-server/testing/peers.ts";
import { seededRandom } from "../../dns-server/testing/random-zone.ts";
import { Class, EdnsOption, Flag, isMetaType, Opcode, Rcode, Type, HEADER_LENGTH } from "../../dns-server/wire/constants.ts";
import { readQuery } from "../../dns-server/wire/query.ts";
import { type MessageRecord, readRecords } from "../../dns-server/wire/records.ts";
import { Folder, startPeakDns, type Program } from "./program.ts";

/** Packets with every kind of fault, sent to PeakDNS and to Knot over the same zone: what the RFCs fix of the answers must be the same. */

const PACKETS = 4000;
/** Sent at a time. */
const BATCH = 40;
const END = 0xffff;

const folder = new Folder();
const random = seededRandom(Number(process.env["PEAK_SEED"] ?? 1));
const below = (limit: number): number => Math.floor(random() * limit);
const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
const chance = (probability: number): boolean => random() < probability;
const u16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);
const octets = (most: number): Buffer => Buffer.from(Array.from({ length: below(most) }, () => below(256)));

const zone = [
  "@ 60 SOA ns h 1 3600 600 86400 5",
  "@ 60 NS ns",
  "ns 60 AAAA 2001:db8::1",
  "www 60 AAAA 2001:db8::2",
  "alias 60 CNAME www",
  '*.wild 60 TXT "x"',
  "cut 60 NS ns.cut",
  "ns.cut 60 AAAA 2001:db8::3",
  "sub 60 DNAME www",
  ...Array.from({ length: 20 }, (_, i) => `big 60 TXT "${"x".repeat(60)}${i}"`),
];
const NAMES = ["peak.test", "www.peak.test", "WwW.PeAk.TeSt", "alias.peak.test", "a.b.wild.peak.test", "wild.peak.test"];
const MORE_NAMES = ["x.cut.peak.test", "y.sub.peak.test", "none.peak.test", "big.peak.test", "other.test", "."];
const TYPES = ["A", "AAAA", "SOA", "NS", "TXT", "CNAME", "DS", "RRSIG", "TYPE65535", "OPT", "TYPE0", "TKEY", "TSIG", "AXFR", "IXFR", "MAILA"];

function opt(): Buffer {
  const options = Array.from({ length: below(3) }, () => {
    const code = pick([EdnsOption.NSID, EdnsOption.COOKIE, 8, EdnsOption.PADDING, EdnsOption.EDE, below(0x10000)]);
    const data = code === EdnsOption.COOKIE ? Buffer.alloc(pick([8, 16, 24, 40, 0, 7, 41])) : octets(20);
    return Buffer.concat([u16(code), u16(chance(0.05) ? below(60) : data.length), data]);
  });
  const data = Buffer.concat(options);
  const version = chance(0.1) ? 1 + below(255) : 0;
  const head = Buffer.concat([Buffer.of(0), u16(Type.OPT), u16(pick([0, 512, 1232, 4096, 65535])), Buffer.of(0, version)]);
  return Buffer.concat([head, u16(pick([0, 0, 0x7fff])), u16(data.length), data]);
}

function record(): Buffer {
  const owner = pick([Buffer.of(0), Buffer.of(0xc0, 12), Buffer.of(1, 97, 0)]);
  const data = octets(30);
  return Buffer.concat([owner, u16(pick([1, 2, 6, 16, 28, 249, 250])), u16(pick([1, 254, 255])), u16(0), u16(60), u16(data.length), data]);
}

function packet(id: number): Buffer {
  const question = encodeQuery(pick([...NAMES, ...MORE_NAMES]), pick(TYPES));
  if (chance(0.08)) question.writeUInt16BE(pick([Class.CH, Class.HS, Class.NONE, Class.ANY, 0]), question.length - 2);
  const sections = [chance(0.05) ? [record()] : [], chance(0.05) ? [record()] : [], chance(0.5) ? [opt()] : []];
  if (chance(0.05)) sections[2]!.push(pick([opt, record])());
  let message = Buffer.concat([question, ...sections.flat()]);
  sections.forEach((records, i) => message.writeUInt16BE(records.length, 6 + 2 * i));
  const opcode = chance(0.15) ? below(16) : Opcode.QUERY;
  message.writeUInt16BE((chance(0.04) ? Flag.QR : 0) | (opcode << 11) | (chance(0.3) ? below(0x800) : 0), 2);
  if (chance(0.06)) message.writeUInt16BE(below(chance(0.2) ? 0x10000 : 4), 4 + 2 * below(4));
  const kind = random();
  const at = HEADER_LENGTH + below(message.length - HEADER_LENGTH);
  if (kind < 0.15) message[at]! ^= 1 << below(8);
  else if (kind < 0.22) message = message.subarray(0, 2 + below(message.length - 2));
  else if (kind < 0.27) message = Buffer.concat([message, octets(10)]);
  else if (kind < 0.31) message = Buffer.concat([message.subarray(0, at), octets(4), message.subarray(at)]);
  message.writeUInt16BE(id, 0);
  return message;
}

/** Whether there must be no answer: too short to tell whose it is, or itself an answer. */
const isUnanswerable = (message: Buffer): boolean => message.length < HEADER_LENGTH || (message[2]! & 0x80) !== 0;

const optOf = (message: Buffer): MessageRecord | undefined => [...readRecords(message)].find(({ type }) => type === Type.OPT);

/**
 * Whether the RFCs leave no choice of rcode: a well-formed query for data, of class IN, with nothing beside it but options that may be
 * ignored; a version of EDNS that is not there yet; an opcode that is none.
 */
function isFixed(message: Buffer): boolean {
  const read = readQuery(message);
  if (read === "drop" || read.malformed || !read.query.question) return false;
  const { question, edns, opcode } = read.query;
  const additional = message.readUInt16BE(10);
  if (message.readUInt32BE(6) !== 0 || additional !== (edns ? 1 : 0)) return false;
  if (edns && edns.version !== 0) {
    // whether options must be well-formed in the eyes of a version that is not theirs is everybody's own affair
    const ofVersion0 = Buffer.from(message);
    ofVersion0[optOf(message)!.lengthAt - 3] = 0;
    if ((readQuery(ofVersion0) as { malformed: boolean }).malformed) return false;
  }
  const isData = !isMetaType(question.type) && question.class === Class.IN;
  if (opcode !== Opcode.QUERY) return isData && (opcode === 3 || opcode > 6) && edns?.version === 0;
  return isData;
}

interface Outcome {
  readonly rcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  readonly edns: boolean;
}

function outcome(answer: Buffer): Outcome {
  const flags = answer.readUInt16BE(2);
  const opt = optOf(answer);
  const rcode = (flags & 15) | (opt ? (opt.ttl >>> 24) << 4 : 0);
  return { rcode, aa: (flags & Flag.AA) !== 0, tc: (flags & Flag.TC) !== 0, edns: opt !== undefined };
}

/**
 * Sends each packet, and a query behind each batch to see when it is through.
 * @param all whether everything is answered that may be: the next batch waits for that, since what the tables of PeakDNS cannot answer
 *   takes longer, and no more than a thousand may wait
 */
async function askAll(port: number, packets: readonly Buffer[], all: boolean): Promise<(Buffer | undefined)[]> {
  const answers = packets.map((): Buffer | undefined => undefined);
  const socket: Socket = createSocket("udp4");
  socket.on("message", (answer: Buffer) => {
    const id = answer.readUInt16BE(0);
    if (id !== END) answers[id] = answer;
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const send = async (ids: readonly number[]): Promise<void> => {
    for (const id of ids) socket.send(packets[id]!, port, "127.0.0.1");
    const ask = (): void => socket.send(encodeQuery("peak.test", "SOA", END), port, "127.0.0.1");
    // It may get lost as any datagram: asked again until the test's own limit.
    const timer = setInterval(ask, 2000);
    const ended = new Promise<void>((resolve) => {
      socket.on("message", function last(answer: Buffer) {
        if (answer.readUInt16BE(0) !== END) return;
        socket.off("message", last);
        resolve();
      });
    });
    ask();
    await ended.finally(() => clearInterval(timer));
    const isMissing = (id: number): boolean => !answers[id] && !isUnanswerable(packets[id]!);
    for (let tries = 0; all && tries < 100 && ids.some(isMissing); tries++) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  try {
    for (let from = 0; from < packets.length; from += BATCH)
      await send(Array.from({ length: Math.min(BATCH, packets.length - from) }, (_, i) => from + i));
    // answers may come in another order, and datagrams get lost
    for (let tries = 0; tries < 5; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const missing = packets.flatMap((message, id) => (!answers[id] && !isUnanswerable(message) ? [id] : [])).slice(0, BATCH);
      await send(missing);
    }
    return answers;
  } finally {
    socket.close();
  }
}

describe.skipIf(!isInstalled(knot))("compared with Knot DNS", () => {
  const packets = Array.from({ length: PACKETS }, (_, id) => packet(id));
  let peak: Program;
  let stopKnot: () => Promise<void>;
  const ports = { peak: 0, knot: 0 };
  beforeAll(async () => {
    ports.peak = await freePort();
    const file = folder.write("peak.test.zone", ["$ORIGIN peak.test.", ...zone]);
    peak = await startPeakDns(folder, "peak", { role: "zones", listen: [`127.0.0.1:${ports.peak}`], zones: [{ origin: "peak.test", file }] });
    ports.knot = await freePort();
    ({ stop: stopKnot } = await startPeer(knot, [{ origin: "peak.test.", file }], ports.knot, join(folder.path, "knot")));
  });
  afterAll(async () => {
    await Promise.all([peak?.stop(), stopKnot?.()]);
    folder.remove();
  });

  test("faulty and odd packets are answered or not, and with the same rcode where the RFCs fix it", { timeout: 120_000 }, async () => {
    const [ours, theirs] = [await askAll(ports.peak, packets, true), await askAll(ports.knot, packets, false)];
    const differences: string[] = [];
    const compared = { fixed: 0, unanswerable: 0 };
    packets.forEach((message, id) => {
      const [our, their] = [ours[id], theirs[id]];
      const hex = message.toString("hex");
      if (isUnanswerable(message)) {
        compared.unanswerable++;
        if (our || their) differences.push(`${hex}: answered by ${our ? "us" : "Knot"}`);
        return;
      }
      // Knot drops some of what cannot be read; never a time-out, says RFC 8906
      if (!our) differences.push(`${hex}: not answered`);
      if (!our || !their || !isFixed(message)) return;
      compared.fixed++;
      const [a, b] = [JSON.stringify(outcome(our)), JSON.stringify(outcome(their))];
      if (a !== b) differences.push(`${hex}: ${a}, Knot ${b}`);
    });
    expect(differences).toEqual([]);
    expect(compared.fixed).toBeGreaterThan(PACKETS / 5);
    expect(compared.unanswerable).toBeGreaterThan(PACKETS / 50);
    // what cannot be read is FORMERR, or else NOTIMP or BADVERS
    for (const [id, message] of packets.entries()) {
      const read = readQuery(message);
      if (read !== "drop" && read.malformed)
        expect([Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS], message.toString("hex")).toContain(outcome(ours[id]!).rcode);
    }
  });
});
