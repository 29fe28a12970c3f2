import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { FrameReader, frame } from "../transport/frame.ts";
import type { Endpoint } from "../wire/endpoint.ts";

/** A thread that asks one question at an even pace for some time, and tells how long each answer took. */

export interface LatencyTask {
  readonly server: Endpoint;
  readonly query: Uint8Array;
  readonly protocol: "udp" | "tcp";
  /** How long, and between two questions, milliseconds. */
  readonly durationMs: number;
  readonly paceMs: number;
}

/** What is asked first does not count: a thread that has just begun is slow itself. */
const WARM_UP_MS = 500;

const { server, query, protocol, durationMs, paceMs } = workerData as LatencyTask;
const message = Buffer.from(query);
const sentAt: number[] = [];
const answeredAt = new Map<number, number>();
const take = (answer: Uint8Array): void => void answeredAt.set((answer[0]! << 8) | answer[1]!, performance.now());
const { send, close } = protocol === "udp" ? overUdp() : overTcp();
const start = performance.now() + WARM_UP_MS;
while (performance.now() < start + durationMs) {
  message.writeUInt16BE(sentAt.length);
  sentAt.push(performance.now());
  send(Buffer.from(message));
  await sleep(paceMs);
}
for (let i = 0; i < 100 && answeredAt.size < sentAt.length; i++) await sleep(20);
close();
const counted = sentAt.map((at, id) => ({ at, id })).filter(({ at }) => at >= start);
const latencies = counted.flatMap(({ at, id }) => (answeredAt.has(id) ? [answeredAt.get(id)! - at] : []));
/** Milliseconds of each answer; a question without one is left out. */
parentPort!.postMessage({ asked: counted.length, latencies });

interface Way {
  readonly send: (message: Buffer) => void;
  readonly close: () => void;
}

function overUdp(): Way {
  const socket = createSocket("udp6");
  socket.on("message", take);
  return { send: (asked) => socket.send(asked, server.port, server.address), close: () => void socket.close() };
}

/** On one connection that is kept. */
function overTcp(): Way {
  const socket = connect({ port: server.port, host: server.address, noDelay: true });
  const reader = new FrameReader();
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    for (const answer of reader.push(chunk)) take(answer);
  });
  return { send: (asked) => void socket.write(frame(asked)), close: () => void socket.destroy() };
}
