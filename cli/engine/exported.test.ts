import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../paths.ts";
import { exportState, importState } from "./exported.ts";

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), "peak-exported-"))));
afterEach(() => rmSync(dir, { recursive: true }));

/** A stack whose engine keeps what it was called with and given. */
function stack(prints = ""): Stack {
  const command = join(dir, "engine");
  writeFileSync(command, `#!/bin/sh\necho "$* $MARK" >"${dir}/called"\ncat >"${dir}/given"\nprintf %s '${prints}'\n`, { mode: 0o755 });
  return { name: "a", workspace: { workDir: dir, envVars: { MARK: "ours", TMPDIR: dir }, pulumiCommand: { command } } } as unknown as Stack;
}
const kept = (name: string) => readFileSync(join(dir, name), "utf8");

test("a state goes to the engine by its standard input, and to no file", async () => {
  const state = { version: 3, deployment: { resources: [], secret: "hidden" } };
  await importState(stack(), state);
  expect(kept("called")).toBe("stack import --stack a --non-interactive ours\n");
  expect(JSON.parse(kept("given"))).toEqual(state);
  expect(readdirSync(dir).sort()).toEqual(["called", "engine", "given"]);
});

test("a state comes with its secrets", async () => {
  expect(await exportState(stack('{"version":3,"deployment":{}}'))).toEqual({ version: 3, deployment: {} });
  expect(kept("called")).toBe("stack export --show-secrets --stack a --non-interactive ours\n");
});

test("no state of a stack is given to the engine in another way", () => {
  const files = globSync("cli/**/*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  expect(files).toContain("cli/engine/recovery.ts");
  expect(files.filter((file) => /\.(importStack|exportStack)\(/.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
});
