import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readyBuilder } from "./image-builder.ts";

const path = process.env["PATH"];
let bin: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "peak-builders-"));
  process.env["PATH"] = bin;
});
afterEach(() => {
  process.env["PATH"] = path;
  rmSync(bin, { recursive: true, force: true });
});

const program = (name: string, script: string) => writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

test("there is none where there is no program, or it does not run", async () => {
  expect(await readyBuilder()).toBeUndefined();
  program("buildah", "exit 1");
  expect(await readyBuilder()).toBeUndefined();
});

test("docker is one with its daemon only, whatever its exit code says", async () => {
  program("docker", "exit 1");
  expect(await readyBuilder()).toBeUndefined();
  program("docker", "echo");
  expect(await readyBuilder()).toBeUndefined();
  program("docker", "echo 27.3.1");
  expect(await readyBuilder()).toBe("docker");
});

test("those that leave the host's images alone come first", async () => {
  program("docker", "echo 27.3.1");
  program("podman", "exit 0");
  expect(await readyBuilder()).toBe("podman");
  program("buildah", "exit 0");
  expect(await readyBuilder()).toBe("buildah");
});
