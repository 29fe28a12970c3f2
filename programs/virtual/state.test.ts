import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Layout } from "./layout.ts";
import { bootId, expectedMachineId, expectedStart, isRunning, processBorn, readState, upperLayer, writeState } from "./state.ts";

let names: Layout;
beforeEach(() => {
  // No namespace has such a name, so no unit of this layout ever runs.
  names = { prefix: "peak.state.test", link: "peak.none", state: mkdtempSync(join(tmpdir(), "peak-state-")) };
});
afterEach(() => rmSync(names.state, { recursive: true, force: true }));

const state = { start: "first", id: "a", boot: bootId(), spec: "b" };

test("a unit that was never started is to be started, each time it is asked about", () => {
  expect(readState(names, "pi1")).toBeUndefined();
  expect(expectedStart("pi1", names)).not.toBe(expectedStart("pi1", names));
});

test("a unit that does not run is to be started anew", async () => {
  await writeState(names, "pi1", state);
  expect(readState(names, "pi1")).toEqual(state);
  expect(isRunning(names, "pi1")).toBe(false);
  expect(expectedStart("pi1", names)).not.toBe("first");
});

test("a state file that was cut short counts as none", () => {
  mkdirSync(join(names.state, "units/pi1"), { recursive: true });
  writeFileSync(join(names.state, "units/pi1/state.json"), '{"start":"first","id":');
  expect(readState(names, "pi1")).toBeUndefined();
});

test("a disk keeps its machine id; where there is no disk, or no id on it, one is made up each time", () => {
  const id = "0123456789abcdef0123456789abcdef";
  expect(expectedMachineId("pi1", names)).not.toBe(expectedMachineId("pi1", names));
  mkdirSync(join(upperLayer(names, "pi1"), "etc"), { recursive: true });
  writeFileSync(join(upperLayer(names, "pi1"), "etc/machine-id"), `${id}\n`);
  expect(expectedMachineId("pi1", names)).toBe(id);
  writeFileSync(join(upperLayer(names, "pi1"), "etc/machine-id"), "");
  expect(expectedMachineId("pi1", names)).toMatch(/^[0-9a-f]{32}$/);
});

test("a process is told from a later one of its number by its start time", () => {
  expect(processBorn(process.pid)).toMatch(/^\d+$/);
  expect(processBorn(process.pid)).toBe(processBorn(process.pid));
  expect(processBorn(2 ** 30)).toBeUndefined();
});
