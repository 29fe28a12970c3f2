import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { unlessAborted } from "./abort.ts";

test("a promise comes to what it comes to, unless the signal is first", async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
  await expect(unlessAborted(Promise.reject(new Error("failed")), signal)).rejects.toThrow("failed");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("whoever waits gets the reason of a signal at once, also when it was given before", async () => {
  const controller = new AbortController();
  const never = new Promise<void>(() => {});
  const waiting = unlessAborted(never, controller.signal);
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await expect(unlessAborted(never, controller.signal)).rejects.toThrow("enough");
});
