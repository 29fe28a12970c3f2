import { getPriority, release } from "node:os";
import { expect, test } from "vitest";
import { call } from "./libc.ts";
import { takeShortTurns } from "./time-slice.ts";

const [major = 0, minor = 0] = release().split(".").map(Number);
const SCHED_GETATTR = process.arch === "x64" ? 315 : 275;

const hasSlices = major > 6 || (major === 6 && minor >= 12);

test.skipIf(!hasSlices)("a thread's turns are short, and its priority stays", () => {
  const before = getPriority();
  takeShortTurns();
  const attributes = Buffer.alloc(48);
  expect(call.syscall(SCHED_GETATTR, 0, attributes, attributes.length)).toBe(0);
  expect([attributes.readBigUInt64LE(24), attributes.readInt32LE(16)]).toEqual([100_000n, before]);
});
