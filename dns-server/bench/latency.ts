import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { Endpoint } from "../transport/transport.ts";

/** A thread that asks one question at an even pace for some time, and tells how long each answer took. */

export interface LatencyTask {
  readonly server: Endpoint;
  readonly query: Uint8Array;
  /** How long, and between two questions, milliseconds. */
  readonly durationMs: number;
  readonly paceMs: number;
}

/** What is asked first does not count: a thread that has just begun is slow itself. */
const WARM_UP_MS = 500;

const { server, query, durationMs, paceMs } = workerData as LatencyTask;
const socket = createSocket("udp6");
const message = Buffer.from(query);
const sentAt: number[] = [];
const answeredAt = new Map<number, number>();
socket.on("message", (answer) => void answeredAt.set(answer.readUInt16BE(0), performance.now()));
const start = performance.now() + WARM_UP_MS;
while (performance.now() < start + durationMs) {
  message.writeUInt16BE(sentAt.length);
  sentAt.push(performance.now());
  socket.send(Buffer.from(message), server.port, server.address);
  await sleep(paceMs);
}
for (let i = 0; i < 100 && answeredAt.size < sentAt.length; i++) await sleep(20);
socket.close();
const counted = sentAt.map((at, id) => ({ at, id })).filter(({ at }) => at >= start);
const latencies = counted.flatMap(({ at, id }) => (answeredAt.has(id) ? [answeredAt.get(id)! - at] : []));
/** Milliseconds of each answer; a question without one is left out. */
parentPort!.postMessage({ asked: counted.length, latencies });
