import { Interrupted } from "./errors.ts";

/** Ctrl-C and its relatives. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupts extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/**
 * Until disposed, the first signal aborts `signal`, so that what is going on stops at a point from which it can go on; the second calls
 * `force`.
 * @param asked called with the first signal, to tell the user what happens now
 */
export function interrupts(asked: (signal: NodeJS.Signals) => unknown, force: () => unknown): Interrupts {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) return void force();
    asked(name);
    controller.abort(new Error("interrupted"));
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** Says something where there is no screen. */
export const sayOnStderr = (text: string): void => void process.stderr.write(`${text}\n`);

/**
 * Does something that Ctrl-C ends, at a point from which the same command goes on, also when nothing in it listened to the signal any more.
 * @param say told of the first signal
 */
export async function interruptibly<T>(say: (text: string) => void, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  using interrupt = interrupts(
    () => say("stopping"),
    () => process.exit(130),
  );
  const stopped = new Interrupted("stopped; the same command goes on from here");
  const result = await work(interrupt.signal).catch((error: unknown) => {
    throw interrupt.signal.aborted ? stopped : error;
  });
  if (!interrupt.signal.aborted) return result;
  // It has come to its end all the same: what was to follow does not.
  if (typeof result === "object" && result !== null && Symbol.asyncDispose in result) await (result as AsyncDisposable)[Symbol.asyncDispose]();
  throw stopped;
}

/**
 * The same signal, for who begins to listen only later and does not look whether it was aborted by then: an abort in the meantime is told at
 * once. The SDK listens as soon as the engine runs, long after it was called.
 */
export function heardLate(signal: AbortSignal): AbortSignal {
  const late = AbortSignal.any([signal]);
  const listen = late.addEventListener.bind(late);
  late.addEventListener = (type: string, listener: EventListener | EventListenerObject, options?: boolean | AddEventListenerOptions) => {
    if (!late.aborted) return listen(type, listener, options);
    queueMicrotask(() => (typeof listener === "function" ? listener : listener.handleEvent.bind(listener))(new Event(type)));
  };
  return late;
}
