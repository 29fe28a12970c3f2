import { setImmediate as turn } from "node:timers/promises";
import type { Exec } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { runIn } from "./servers.ts";

/** What opens connections, by a promise of each. */
const exec = (opened: Promise<unknown>) => ({ exec: () => opened }) as unknown as Exec;

test("a server that cannot even be reached is waited for no longer than one that does not answer, and is left alone afterwards", async () => {
  const { promise: opened, resolve } = Promise.withResolvers<unknown>();
  await expect(runIn(exec(opened), "pod", ["true"], 20)).rejects.toThrow("no answer within 0.02 s");
  let closed = 0;
  resolve({ addEventListener: () => {}, close: () => closed++ });
  await turn();
  expect(closed).toBe(1);
});

test("a connection that is refused is told, whatever was thrown", async () => {
  await expect(runIn(exec(Promise.reject(new Error("403"))), "pod", ["true"])).rejects.toThrow("403");
  await expect(runIn(exec(Promise.reject({})), "pod", ["true"])).rejects.toThrow("the connection was refused");
});
