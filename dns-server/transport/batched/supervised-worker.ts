import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { GuardCounter } from "../../limit/guard.ts";
import type { Limits } from "../../limit/limits.ts";
import { Backoff } from "../../runtime/backoff.ts";
import { unexpected } from "../../runtime/unexpected.ts";
import type { Answerer } from "../../view/answerer.ts";
import type { Handler } from "../../view/exchange.ts";
import { Turns } from "../turns.ts";
import { ADDRESS_SIZE, Batch } from "./batch.ts";
import { Control, COUNTERS, READY, type GeneralQuery, type ToWorker, type WorkerSettings, type WorkerSocket } from "./protocol.ts";
import { SAMPLE_WORDS } from "./sampler.ts";
import { closeSocket } from "./socket.ts";

/** Room for one answer of the general path over UDP. */
const SLOT = 2048;
/** Mebibytes. A worker allocates next to nothing: its tables are outside of the heap. */
const HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 };

/** Until a thread that has failed is started again: at once the first time, then twice as long each time. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
/** A thread that has lived so long is a good one again. */
const GOOD_AFTER_MS = 60_000;
/** How often the main thread looks at the sockets of a thread that is not there, and how much it takes from each then. */
const STAND_IN_MS = 2;
const STAND_IN_BATCH = 32;

export interface WorkerParts {
  readonly nsid: Uint8Array;
  readonly cookieSecret: Uint8Array;
  /** What its guard goes by. */
  readonly limits: Limits;
  /** Answers what comes while there is no thread. */
  readonly handle: Handler;
  /** Answers, on the main thread, what the tables do not: given the message and the octets of the asker's address. */
  readonly general: Handler;
}

/**
 * A thread that answers on sockets of its own, started again whenever it ends by a fault of its own; its sockets and counters stay. Until
 * it is there the main thread answers in its place: slower, but nobody goes without.
 */
export class SupervisedWorker {
  readonly control = new Int32Array(new SharedArrayBuffer(4 * Control.SIZE));
  readonly counters = new Float64Array(new SharedArrayBuffer(8 * COUNTERS));
  readonly guardCounters = new Float64Array(new SharedArrayBuffer(8 * GuardCounter.SIZE));
  readonly samples = new Float64Array(new SharedArrayBuffer(8 * SAMPLE_WORDS));
  private readonly sockets: readonly WorkerSocket[];
  private readonly answerer: Answerer;
  private readonly parts: WorkerParts;
  private readonly replies: readonly Batch[];
  private readonly turns = new Turns();
  private standIns: readonly Batch[] = [];
  private worker: Worker | undefined;
  private unlisten = (): void => {};
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, MAX_PAUSE_MS);
  /** It has never failed. */
  private isNew = true;
  private startedAt = 0;
  private restart: NodeJS.Timeout | undefined;
  private standIn: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(sockets: readonly WorkerSocket[], answerer: Answerer, parts: WorkerParts) {
    this.sockets = sockets;
    this.answerer = answerer;
    this.parts = parts;
    this.replies = sockets.map(({ wildcard }) => new Batch(1, SLOT, wildcard));
  }

  /** Starts it for the first time. */
  async start(): Promise<void> {
    const worker = this.run();
    // its first message says that it is ready
    await new Promise<void>((resolve) => worker.once("message", () => resolve()).once("exit", () => resolve()));
  }

  private run(): Worker {
    const { control, sockets } = this;
    const { nsid, cookieSecret, limits } = this.parts;
    const shared = ({ buffer }: { readonly buffer: ArrayBufferLike }): SharedArrayBuffer => buffer as SharedArrayBuffer;
    const data: WorkerSettings = {
      sockets,
      nsid,
      cookieSecret,
      control: shared(control),
      counters: shared(this.counters),
      guardCounters: shared(this.guardCounters),
      samples: shared(this.samples),
    };
    Atomics.store(control, Control.PENDING, 0);
    this.startedAt = performance.now();
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { workerData: data, resourceLimits: HEAP });
    this.worker = worker;
    const tell = (message: ToWorker): void => {
      worker.postMessage(message);
      Atomics.add(control, Control.MESSAGES, 1);
    };
    const stopListening = [
      this.answerer.listen({
        setZone: (origin, table) => tell({ kind: "zone", origin, table }),
        setLoading: (loading) => tell({ kind: "loading", loading }),
      }),
      limits.listen((settings) => tell({ kind: "guard", settings })),
    ];
    this.unlisten = () => stopListening.forEach((stop) => stop());
    worker.on("message", (message: GeneralQuery | typeof READY) => {
      if (message === READY) this.stopStandingIn();
      else
        this.turns.soon(() => {
          if (worker === this.worker) this.answer(message);
        });
    });
    worker.on("error", (error) => unexpected("worker", error));
    worker.on("exit", () => this.ended());
    return worker;
  }

  private answer({ socket, message, route, fault }: GeneralQuery): void {
    Atomics.sub(this.control, Control.PENDING, 1);
    if (fault !== undefined) unexpected("worker", fault);
    if (this.closing) return;
    const { fd, ipv6 } = this.sockets[socket]!;
    const reply = this.replies[socket]!;
    const response = this.parts.general(message, ipv6 ? route.address.subarray(8, 24) : route.address.subarray(4, 8));
    if (!response) return;
    reply.setRoute(0, route);
    reply.answers.set(response.message);
    reply.setAnswer(0, response.message.length);
    reply.send(fd, 1);
  }

  private ended(): void {
    this.unlisten();
    this.worker = undefined;
    if (this.closing) return;
    const isGood = this.isNew || performance.now() - this.startedAt > GOOD_AFTER_MS;
    if (isGood) this.backoff.reset();
    this.isNew = false;
    const pause = isGood ? 0 : this.backoff.next();
    this.standIns = this.sockets.map(({ wildcard }) => new Batch(STAND_IN_BATCH, SLOT, wildcard));
    this.standIn ??= setInterval(() => this.answerInPlace(), STAND_IN_MS);
    this.restart = setTimeout(() => this.run(), pause);
  }

  /** Answers what waits on the sockets, some of it. */
  private answerInPlace(): void {
    this.sockets.forEach(({ fd, ipv6 }, index) => {
      const batch = this.standIns[index]!;
      const count = batch.receive(fd, false);
      for (let i = 0; i < count; i++) {
        const message = batch.queries.slice(i * SLOT, i * SLOT + batch.queryLength(i));
        const client = i * ADDRESS_SIZE + (ipv6 ? 8 : 4);
        const response = this.parts.handle(message, batch.addresses.slice(client, client + (ipv6 ? 16 : 4)));
        if (response) batch.answers.set(response.message, i * SLOT);
        batch.setAnswer(i, response?.message.length ?? 0);
      }
      if (count > 0) batch.send(fd, count);
    });
  }

  private stopStandingIn(): void {
    clearInterval(this.standIn);
    this.standIn = undefined;
    this.standIns = [];
  }

  async close(): Promise<void> {
    this.closing = true;
    this.stopStandingIn();
    clearTimeout(this.restart);
    this.unlisten();
    const { worker } = this;
    if (worker) {
      const exited = once(worker, "exit");
      Atomics.store(this.control, Control.STOP, 1);
      await exited;
    }
    for (const { fd } of this.sockets) closeSocket(fd);
  }
}
