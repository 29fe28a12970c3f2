import { expect, test } from "vitest";
import { unexpectedCounts } from "../runtime/unexpected.ts";
import { TURN_MS, Turns } from "./turns.ts";

const busy = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
};

test("between two turns of what can wait everything else is looked at", async () => {
  const turns = new Turns();
  const order: string[] = [];
  for (let i = 0; i < 5; i++)
    turns.soon(() => {
      busy(2 * TURN_MS);
      order.push(`work ${i}`);
    });
  // the first was done at once
  expect(order).toEqual(["work 0"]);
  const look = (): void => {
    order.push("else");
    if (order.length < 12) setImmediate(look);
  };
  setImmediate(look);
  while (order.length < 12) await new Promise((resolve) => setTimeout(resolve, 1));
  const works = order.filter((entry) => entry !== "else");
  expect(works).toEqual(["work 0", "work 1", "work 2", "work 3", "work 4"]);
  for (let i = 1; i < 4; i++) expect(order.slice(order.indexOf(`work ${i}`), order.indexOf(`work ${i + 1}`))).toContain("else");
});

test("work that fails is counted, and the next is done", async () => {
  const turns = new Turns();
  const faults = (): number => new Map(unexpectedCounts()).get("answer") ?? 0;
  const before = faults();
  turns.soon(() => {
    throw new Error("on purpose");
  });
  await new Promise<void>((resolve) => turns.later(resolve));
  expect(faults()).toBe(before + 1);
});
