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

const { server, query, durationMs, paceMs } = workerData as LatencyTask;
const socket = createSocket("udp6");
const message = Buffer.from(query);
const sentAt: number[] = [];
const latencies: number[] = [];
socket.on("message", (answer) => latencies.push(performance.now() - sentAt[answer.readUInt16BE(0)]!));
const end = performance.now() + durationMs;
while (performance.now() < end) {
  message.writeUInt16BE(sentAt.length);
  sentAt.push(performance.now());
  socket.send(Buffer.from(message), server.port, server.address);
  await sleep(paceMs);
}
for (let i = 0; i < 100 && latencies.length < sentAt.length; i++) await sleep(20);
socket.close();
/** Milliseconds of each answer; a question without one is left out. */
parentPort!.postMessage({ asked: sentAt.length, latencies });
