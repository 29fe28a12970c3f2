import type { Limits } from "../../limit/limits.ts";
import type { Answerer } from "../../view/answerer.ts";
import type { Handler, Response } from "../../view/exchange.ts";
import { parseAddress } from "../../wire/address.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import type { Transport } from "../transport.ts";
import { Control, counterKey, COUNTERS, type WorkerSocket } from "./protocol.ts";
import { readSamples } from "./sampler.ts";
import { closeSocket, isWildcard, openSocket } from "./socket.ts";
import { SupervisedWorker } from "./supervised-worker.ts";

export interface BatchedSettings {
  /** Threads that answer, each with a socket for each address; the kernel spreads the askers over them. */
  readonly workers: number;
  readonly nsid: Uint8Array;
  readonly cookieSecret: Uint8Array;
  /** What every worker's guard goes by. */
  readonly limits: Limits;
  /** Answers in place of a worker that is being started again. */
  readonly handle: Handler;
  /** Told of each answer of the general path. */
  readonly count: (response: Response | undefined) => void;
}

/**
 * UDP in batches on threads of their own (Linux). What the workers' tables do not answer comes to the main thread, which sends on the same
 * socket.
 */
export class BatchedUdpTransport implements Transport {
  private readonly endpoints: readonly Endpoint[];
  private readonly answerer: Answerer;
  private readonly settings: BatchedSettings;
  private readonly workers: SupervisedWorker[] = [];

  constructor(endpoints: readonly Endpoint[], answerer: Answerer, settings: BatchedSettings) {
    this.endpoints = endpoints;
    this.answerer = answerer;
    this.settings = settings;
  }

  async listen(): Promise<void> {
    const { answerer, settings } = this;
    const general: Handler = (message, client) => {
      const response = answerer.respondGenerally(message, "udp", client);
      settings.count(response);
      return response;
    };
    for (let i = 0; i < settings.workers; i++) {
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
      this.workers.push(new SupervisedWorker(sockets, answerer, { ...settings, general }));
    }
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  /** Answers from the tables by type and rcode, since the start. */
  *counts(): Generator<{ type: number; rcode: number; count: number }> {
    for (const { counters } of this.workers) {
      for (let i = 0; i < COUNTERS; i++) if (counters[i]! > 0) yield { ...counterKey(i), count: counters[i]! };
    }
  }

  /** Time and size of some answers from the tables. */
  samples(): ReturnType<typeof readSamples> {
    return readSamples(this.workers.map(({ samples }) => samples));
  }

  /** What a guard counted, by index in GuardCounter. */
  guardCount(counter: number): number {
    return this.workers.reduce((sum, { guardCounters }) => sum + guardCounters[counter]!, 0);
  }

  /** Queries that were dropped because too many odd ones were waiting. */
  dropped(): number {
    return this.workers.reduce((sum, { control }) => sum + Atomics.load(control, Control.DROPPED), 0);
  }

  /** Queries that were told to come by TCP because too many odd ones were waiting. */
  sentAway(): number {
    return this.workers.reduce((sum, { control }) => sum + Atomics.load(control, Control.SENT_AWAY), 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.close()));
  }
}
