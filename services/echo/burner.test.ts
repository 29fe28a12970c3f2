import { afterEach, expect, it } from "vitest";
import { Burner, Busy } from "./burner.ts";

const forever = new AbortController().signal;
let burner: Burner;

afterEach(() => burner.close());

it("runs pieces of work one after the other when it has one thread", async () => {
  burner = new Burner(1);
  const order: number[] = [];
  await Promise.all([30, 1, 2].map((ms) => burner.burn(ms, forever).then(() => order.push(ms))));
  expect(order).toEqual([30, 1, 2]);
});

it("runs a short piece beside a long one when it has two threads", async () => {
  burner = new Burner(2);
  await burner.burn(1, forever); // one thread is up
  const order: string[] = [];
  await Promise.all([burner.burn(500, forever).then(() => order.push("long")), burner.burn(1, forever).then(() => order.push("short"))]);
  expect(order).toEqual(["short", "long"]);
});

it("refuses work when too much waits", async () => {
  burner = new Burner(1);
  const leave = new AbortController();
  const work = Array.from({ length: 1025 }, () => burner.burn(1, leave.signal));
  await expect(burner.burn(1, forever)).rejects.toThrow(Busy);
  leave.abort();
  const done = await Promise.allSettled(work);
  expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

it("tells work under way when it is closed", async () => {
  burner = new Burner(1);
  const work = burner.burn(10_000, forever);
  const told = expect(work).rejects.toThrow("stopped");
  await burner.close();
  await told;
});
