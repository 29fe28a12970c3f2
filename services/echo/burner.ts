import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/** Work that may wait for a thread. Past that the answer is an error at once, or memory would be the limit. */
const MAX_WAITING = 1024;

export class Busy extends Error {
  constructor() {
    super(`${MAX_WAITING} pieces of work wait already`);
    this.name = "Busy";
  }
}

interface Job {
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Uses CPU time in threads of their own, so that the event loop goes on answering probes. As many threads as the process may use cores
 * (Node heeds the container's limit), started when first needed; what is asked for beyond that waits its turn.
 */
export class Burner {
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  readonly #threads: number;

  constructor(threads: number = availableParallelism()) {
    this.#threads = threads;
  }

  /**
   * Resolves when `ms` milliseconds of CPU time are used. Rejects with `Busy` if too much waits, and with the signal's reason if that
   * aborts before a thread is free; work that has begun ends as planned.
   */
  async burn(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length >= MAX_WAITING) throw new Busy();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ ms, signal, resolve, reject });
    this.#dispatch();
    await promise;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#running.keys()].map((worker) => worker.terminate()));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && (this.#idle.length > 0 || this.#running.size < this.#threads)) {
      const job = this.#waiting.shift()!;
      if (job.signal.aborted) {
        job.reject(job.signal.reason);
        continue;
      }
      const worker = this.#idle.pop() ?? this.#start();
      this.#running.set(worker, job);
      worker.postMessage(job.ms);
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL("./burn.worker.ts", import.meta.url));
    worker.on("message", () => {
      this.#finish(worker)?.resolve();
      this.#idle.push(worker);
      this.#dispatch();
    });
    worker.on("error", (error) => this.#finish(worker)?.reject(error));
    worker.on("exit", () => {
      this.#finish(worker)?.reject(new Error("the thread was stopped"));
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#dispatch();
    });
    return worker;
  }

  #finish(worker: Worker): Job | undefined {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    return job;
  }
}
