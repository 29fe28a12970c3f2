import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { which } from "./which.ts";

const root = mkdtempSync(join(tmpdir(), "peak-which-"));
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("finds the first file on PATH that can be run", () => {
  for (const directory of ["a", "b", "c", "d"]) mkdirSync(join(root, directory));
  mkdirSync(join(root, "a/tool")); // a directory can be "executed", but not run
  writeFileSync(join(root, "b/tool"), "", { mode: 0o644 });
  writeFileSync(join(root, "c/tool"), "", { mode: 0o755 });
  writeFileSync(join(root, "d/tool"), "", { mode: 0o755 });
  const path = ["a", "b", "missing", "c", "d"].map((directory) => join(root, directory)).join(":");
  expect(which("tool", path)).toBe(join(root, "c/tool"));
  expect(which("other", path)).toBeUndefined();
});

test("searches PATH, and not where it is empty", () => {
  expect(which("sh")).toMatch(/\/sh$/);
  expect(which("package.json", ":")).toBeUndefined();
  expect(which("sh", "")).toBeUndefined();
});
