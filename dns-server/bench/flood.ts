import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { frame } from "../transport/frame.ts";
import type { Endpoint } from "../wire/endpoint.ts";

/** A thread that asks as much as it is told to, and listens to no answer. */

export interface FloodTask {
  readonly server: Endpoint;
  /** Sent one after the other, again and again. */
  readonly messages: readonly Uint8Array[];
  /** Over UDP messages a second; over TCP connections on which as much is sent as the server takes, at most that many in all. */
  readonly protocol: "udp" | "tcp" | "idle";
  readonly rate: number;
  readonly durationMs: number;
}

const CONNECTIONS = 8;
/** Connections that do nothing, made anew as they are closed. */
const IDLE_CONNECTIONS = 200;
/** Between two looks at what is due. */
const TICK_MS = 2;

const { server, messages, protocol, rate, durationMs } = workerData as FloodTask;
let sent = 0;
const start = performance.now();
const due = (): number => Math.floor(((performance.now() - start) * rate) / 1000) - sent;
const isOver = (): boolean => performance.now() - start > durationMs;

if (protocol === "udp") {
  const socket = createSocket("udp6");
  socket.on("error", () => {});
  while (!isOver()) {
    for (let left = due(); left > 0; left--) socket.send(messages[sent++ % messages.length]!, server.port, server.address);
    await sleep(TICK_MS);
  }
  socket.close();
} else {
  const open = new Set<ReturnType<typeof connect>>();
  const make = (): void => {
    const socket = connect({ port: server.port, host: server.address });
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.resume();
  };
  const framed = messages.map(frame);
  while (!isOver()) {
    for (let missing = (protocol === "idle" ? IDLE_CONNECTIONS : CONNECTIONS) - open.size; missing > 0; missing--) {
      make();
      if (protocol === "idle") sent++;
    }
    if (protocol === "tcp") {
      const ready = [...open].filter((socket) => !socket.writableNeedDrain);
      for (const socket of ready) {
        const share = Math.ceil(due() / ready.length);
        if (share > 0) socket.write(Buffer.concat(Array.from({ length: share }, () => framed[sent++ % framed.length]!)));
      }
    }
    await sleep(TICK_MS);
  }
  for (const socket of open) socket.destroy();
}
parentPort!.postMessage(sent);
