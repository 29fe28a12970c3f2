import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Interrupted } from "./errors.ts";
import { heardLate, interruptibly } from "./interrupt.ts";

describe("work that Ctrl-C ends", () => {
  // What vitest itself has for SIGINT is not to be called.
  const others = process.listeners("SIGINT");
  beforeEach(() => void process.removeAllListeners("SIGINT"));
  afterEach(() => others.forEach((listener) => process.on("SIGINT", listener)));

  test("has been ended also when nothing in it listened any more", async () => {
    const said: string[] = [];
    const done = interruptibly((text) => said.push(text), async () => {
      process.emit("SIGINT", "SIGINT");
      return "done";
    });
    await expect(done).rejects.toThrow(Interrupted);
    expect(said).toEqual(["stopping"]);
  });

  test("is closed again when it has been opened all the same", async () => {
    const close = vi.fn(() => Promise.resolve());
    const opening = interruptibly(() => {}, async () => {
      process.emit("SIGINT");
      return { [Symbol.asyncDispose]: close };
    });
    await expect(opening).rejects.toThrow(Interrupted);
    expect(close).toHaveBeenCalledOnce();
  });

  test("gives its result and its own faults without one", async () => {
    expect(await interruptibly(() => {}, async () => "done")).toBe("done");
    await expect(interruptibly(() => {}, () => Promise.reject(new Error("own")))).rejects.toThrow("own");
  });
});

describe("who listens late", () => {
  test.each(["before", "after"])("hears of an abort %s that", async (when) => {
    const controller = new AbortController();
    const signal = heardLate(controller.signal);
    let heard = 0;
    if (when === "before") controller.abort();
    signal.addEventListener("abort", () => heard++);
    if (when === "after") controller.abort();
    await turn();
    expect(heard).toBe(1);
    expect(signal.aborted).toBe(true);
  });
});
