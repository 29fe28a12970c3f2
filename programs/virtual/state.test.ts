import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Layout } from "./layout.ts";
import { bootId, expectedStarts, isRunning, processBorn, readState, writeState } from "./state.ts";

let names: Layout;
beforeEach(() => {
  // No namespace has such a name, so no unit of this layout ever runs.
  names = { prefix: "peak.state.test", link: "peak.none", state: mkdtempSync(join(tmpdir(), "peak-state-")) };
});
afterEach(() => rmSync(names.state, { recursive: true, force: true }));

const state = { starts: 3, id: "a", boot: bootId(), spec: "b" };

test("a unit that was never started is to be started once", () => {
  expect(readState(names, "pi1")).toBeUndefined();
  expect(expectedStarts("pi1", names)).toBe(1);
});

test("a unit that does not run is to be started once more", async () => {
  await writeState(names, "pi1", state);
  expect(readState(names, "pi1")).toEqual(state);
  expect(isRunning(names, "pi1")).toBe(false);
  expect(expectedStarts("pi1", names)).toBe(4);
});

test("a state file that was cut short counts as none", () => {
  mkdirSync(join(names.state, "units/pi1"), { recursive: true });
  writeFileSync(join(names.state, "units/pi1/state.json"), '{"starts":3,"id":');
  expect(expectedStarts("pi1", names)).toBe(1);
});

test("a process is told from a later one of its number by its start time", () => {
  expect(processBorn(process.pid)).toMatch(/^\d+$/);
  expect(processBorn(process.pid)).toBe(processBorn(process.pid));
  expect(processBorn(2 ** 30)).toBeUndefined();
});
