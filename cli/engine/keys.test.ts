import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { BusyError } from "../errors.ts";
import { readConfig, takeStep } from "./keys.ts";

const directory = await mkdtemp(join(tmpdir(), "peak-keys-"));
vi.mock("../paths.ts", async (original) => ({
  ...(await original<object>()),
  get root() {
    return directory;
  },
}));
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => writeFile(join(directory, "Pulumi.lab.yaml"), "config:\n  peak:keys: etcd=1\n"));
const keys = async () => (await readConfig("lab")).keys;

test("a step of a rotation is written, and taken back when what it is for does not come about", async () => {
  const takeBack = await takeStep("lab", { from: "etcd=1", to: "etcd=1,2" });
  expect(await keys()).toBe("etcd=1,2");
  await takeBack();
  expect(await keys()).toBe("etcd=1");
});

test("of two runs that take the same step one is told to look again, and nothing is changed", async () => {
  await takeStep("lab", { from: "etcd=1", to: "etcd=1,2" });
  await expect(takeStep("lab", { from: "etcd=1", to: "dns=1,2 etcd=1" })).rejects.toThrow(BusyError);
  expect(await keys()).toBe("etcd=1,2");
});
