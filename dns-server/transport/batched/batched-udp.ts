import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { GuardCounter } from "../../limit/guard.ts";
import type { Limits } from "../../limit/limits.ts";
import type { Answerer } from "../../view/answerer.ts";
import type { Response } from "../../view/responder.ts";
import { parseAddress } from "../../wire/address.ts";
import type { Endpoint, Transport } from "../transport.ts";
import { Batch } from "./batch.ts";
import { Control, counterKey, COUNTERS, type GeneralQuery, type ToWorker, type WorkerSettings, type WorkerSocket } from "./protocol.ts";
import { readSamples, SAMPLE_WORDS } from "./sampler.ts";
import { closeSocket, isWildcard, openSocket } from "./socket.ts";

/** Room for one answer of the general path over UDP. */
const SLOT = 2048;

/** Mebibytes. A worker allocates next to nothing: its tables are outside of the heap. */
const WORKER_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 };

export interface BatchedSettings {
  /** Threads that answer, each with a socket for each address; the kernel spreads the askers over them. */
  readonly workers: number;
  readonly nsid: Uint8Array;
  readonly cookieSecret: Uint8Array;
  /** What every worker's guard goes by. */
  readonly limits: Limits;
  /** Told of each answer of the general path. */
  readonly count: (response: Response | undefined) => void;
}

interface Running {
  readonly sockets: readonly WorkerSocket[];
  readonly worker: Worker;
  readonly control: Int32Array;
  readonly counters: Float64Array;
  readonly guardCounters: Float64Array;
  readonly samples: Float64Array;
}

/**
 * UDP in batches on threads of their own (Linux). What the workers' tables do not answer comes to the main thread, which sends on the same
 * socket.
 */
export class BatchedUdpTransport implements Transport {
  private readonly endpoints: readonly Endpoint[];
  private readonly answerer: Answerer;
  private readonly settings: BatchedSettings;
  private readonly running: Running[] = [];
  private closing = false;

  constructor(endpoints: readonly Endpoint[], answerer: Answerer, settings: BatchedSettings) {
    this.endpoints = endpoints;
    this.answerer = answerer;
    this.settings = settings;
  }

  async listen(): Promise<void> {
    for (let i = 0; i < this.settings.workers; i++) {
      const sockets: WorkerSocket[] = [];
      try {
        for (const endpoint of this.endpoints) {
          const octets = parseAddress(endpoint.address);
          sockets.push({ fd: openSocket(endpoint), ipv6: octets.length === 16, wildcard: isWildcard(octets) });
        }
      } catch (error) {
        for (const { fd } of sockets) closeSocket(fd);
        await this.close();
        throw error;
      }
      this.running.push(this.startWorker(sockets));
    }
    await Promise.all(this.running.map(({ worker }) => once(worker, "online")));
  }

  private startWorker(sockets: readonly WorkerSocket[]): Running {
    const shared = new SharedArrayBuffer(4 * Control.SIZE);
    const control = new Int32Array(shared);
    const counters = new SharedArrayBuffer(8 * COUNTERS);
    const guardCounters = new SharedArrayBuffer(8 * GuardCounter.SIZE);
    const samples = new SharedArrayBuffer(8 * SAMPLE_WORDS);
    const { nsid, cookieSecret, limits } = this.settings;
    const data: WorkerSettings = { sockets, nsid, cookieSecret, control: shared, counters, guardCounters, samples };
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: data, resourceLimits: WORKER_HEAP });
    const tell = (message: ToWorker): void => {
      worker.postMessage(message);
      Atomics.add(control, Control.MESSAGES, 1);
    };
    this.answerer.listen({
      setZone: (origin, table) => tell({ kind: "zone", origin, table }),
      setLoading: (loading) => tell({ kind: "loading", loading }),
    });
    limits.listen((guardSettings) => tell({ kind: "guard", settings: guardSettings }));
    const replies = sockets.map(({ wildcard }) => new Batch(1, SLOT, wildcard));
    worker.on("message", ({ socket, message, route }: GeneralQuery) => {
      Atomics.sub(control, Control.PENDING, 1);
      if (this.closing) return;
      const { fd, ipv6 } = sockets[socket]!;
      const reply = replies[socket]!;
      const client = ipv6 ? route.address.subarray(8, 24) : route.address.subarray(4, 8);
      const response = this.answerer.respondGenerally(message, "udp", client);
      this.settings.count(response);
      if (!response) return;
      reply.setRoute(0, route);
      reply.answers.set(response.message);
      reply.setAnswer(0, response.message.length);
      reply.send(fd, 1);
    });
    return {
      sockets,
      worker,
      control,
      counters: new Float64Array(counters),
      guardCounters: new Float64Array(guardCounters),
      samples: new Float64Array(samples),
    };
  }

  /** Answers from the tables by type and rcode, since the start. */
  *counts(): Generator<{ type: number; rcode: number; count: number }> {
    for (const { counters } of this.running) {
      for (let i = 0; i < COUNTERS; i++) if (counters[i]! > 0) yield { ...counterKey(i), count: counters[i]! };
    }
  }

  /** Time and size of some answers from the tables. */
  samples(): ReturnType<typeof readSamples> {
    return readSamples(this.running.map(({ samples }) => samples));
  }

  /** What a guard counted, by index in GuardCounter. */
  guardCount(counter: number): number {
    return this.running.reduce((sum, { guardCounters }) => sum + guardCounters[counter]!, 0);
  }

  /** Queries that were dropped because too many odd ones were waiting. */
  dropped(): number {
    return this.running.reduce((sum, { control }) => sum + Atomics.load(control, Control.DROPPED), 0);
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(
      this.running.splice(0).map(async ({ sockets, worker, control }) => {
        const exited = once(worker, "exit");
        Atomics.store(control, Control.STOP, 1);
        await exited;
        for (const { fd } of sockets) closeSocket(fd);
      }),
    );
  }
}
