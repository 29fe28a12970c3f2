import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test, vi } from "vitest";
import { requireImageTools } from "./tools.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const tools = join(import.meta.dirname, "../../test/harness/image-tools");

test("a machine with the tools will do", async () => {
  vi.stubEnv("PATH", tools);
  await requireImageTools(undefined);
});

test("what is missing is named before anything is made, all at once", async () => {
  vi.stubEnv("PATH", "/nonexistent");
  await expect(requireImageTools(undefined)).rejects.toThrow(/lacks mmdebstrap, .* and a program that builds images: .*apt-get install/);
  await expect(requireImageTools("node:26")).rejects.toThrow(/lacks a program that builds images/);
});

test("a preview warns of it", async () => {
  vi.stubEnv("PATH", "/nonexistent");
  vi.spyOn(pulumi.runtime, "isDryRun").mockReturnValue(true);
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  await requireImageTools("node:26");
  expect(warn).toHaveBeenCalledWith(expect.stringContaining("lacks a program that builds images"));
});
