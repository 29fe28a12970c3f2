/** Ctrl-C and its relatives. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupts extends Disposable {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
}

/**
 * Until disposed, the first signal aborts `signal`, so that what is going on stops at a point from which it can go on; the second calls
 * `force`.
 * @param asked called at the first signal, to tell the user what happens now
 */
export function interrupts(asked: () => unknown, force: () => unknown): Interrupts {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) return void force();
    asked();
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
