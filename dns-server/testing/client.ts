import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import dnsPacket, { type Answer, type DecodedPacket } from "dns-packet";
import { FrameReader, frame } from "../transport/frame.ts";
import { Class, typeCode } from "../wire/constants.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { nameBytes, parseName } from "../wire/name.ts";

/** A query as a test asks it: flags 0, one question of class IN. */
export function encodeQuery(name: string, type: string, id = 1): Buffer {
  const code = typeCode(type);
  if (code === undefined) throw new Error(`unknown type ${type}`);
  const words = Buffer.alloc(16);
  words.writeUInt16BE(id, 0);
  words.writeUInt16BE(1, 4);
  words.writeUInt16BE(code, 12);
  words.writeUInt16BE(Class.IN, 14);
  return Buffer.concat([words.subarray(0, 12), nameBytes(parseName(name)), words.subarray(12)]);
}

const TIMEOUT_MS = 5000;

/** Sends one datagram and waits for one back. */
export async function exchangeUdp(server: Endpoint, message: Uint8Array, timeoutMs = TIMEOUT_MS): Promise<Buffer> {
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  try {
    socket.send(message, server.port, server.address);
    const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(timeoutMs) })) as [Buffer];
    return answer;
  } finally {
    socket.close();
  }
}

/** Sends messages on one connection, all at once, and waits for as many answers. */
export async function exchangeTcp(server: Endpoint, messages: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket = connect({ port: server.port, host: server.address });
  const reader = new FrameReader();
  const answers: Buffer[] = [];
  try {
    socket.write(Buffer.concat(messages.map(frame)));
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
    for await (const chunk of socket) {
      answers.push(...reader.push(chunk as Buffer));
      if (answers.length >= messages.length) break;
    }
    return answers;
  } finally {
    socket.destroy();
  }
}

/** Rcode of an answer: the decoder hides it in the flags. */
export const rcodeOf = (packet: DecodedPacket): number => (packet.flags ?? 0) & 15;

export async function ask(server: Endpoint, name: string, type: string): Promise<DecodedPacket> {
  return dnsPacket.decode(await exchangeUdp(server, encodeQuery(name, type)));
}

/** The data of the address records in an answer, sorted. */
export const addressesIn = (packet: DecodedPacket): string[] =>
  (packet.answers ?? []).flatMap((record: Answer) => (record.type === "AAAA" || record.type === "A" ? [record.data] : [])).sort();

/** Repeats until the condition holds; fails after a bounded number of tries. */
export async function eventually<T>(read: () => Promise<T> | T, holds: (value: T) => boolean, tries = 200): Promise<T> {
  for (let i = 0; ; i++) {
    const value = await read();
    if (holds(value)) return value;
    if (i === tries) throw new Error(`still ${JSON.stringify(value)} after ${tries} tries`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A port of the IPv4 loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
