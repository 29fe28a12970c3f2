import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { UsageError } from "../errors.ts";
import { readStackInput } from "./input.ts";

const directory = await mkdtemp(join(tmpdir(), "peak-input-"));
vi.mock("../paths.ts", async (original) => ({
  ...(await original<object>()),
  get root() {
    return directory;
  },
}));
afterAll(() => rm(directory, { recursive: true }));

test.each(["", "config:\n", "config: {}\n"])("a stack file that sets nothing (%j) is told what is missing", async (text) => {
  await writeFile(join(directory, "Pulumi.lab.yaml"), text);
  const reading = readStackInput("lab");
  await expect(reading).rejects.toThrow(UsageError);
  await expect(reading).rejects.toThrow("peak:inventory is missing");
});
