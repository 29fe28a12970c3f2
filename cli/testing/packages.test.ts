import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeLeftPolicy, withoutServices } from "./packages.ts";

let dir: string;
let policy: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "peak-policy-"));
  policy = join(dir, "policy-rc.d");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** What a package that asks is told: an exit code. */
const asked = () => spawnSync(policy).status;

test("no service may be started while packages are installed, and each again afterwards, also when that fails", async () => {
  await withoutServices(async () => expect(asked()).toBe(101), policy);
  expect(existsSync(policy)).toBe(false);
  await expect(withoutServices(() => Promise.reject(new Error("no network")), policy)).rejects.toThrow("no network");
  expect(existsSync(policy)).toBe(false);
});

test.each([
  ["ends at once", "process.exit(130)", false],
  ["is killed, until the next one", "process.kill(process.pid, 'SIGKILL')", true],
])("nothing is left by a run that %s", (_, end, left) => {
  const program = `const { withoutServices } = await import(${JSON.stringify(join(import.meta.dirname, "packages.ts"))});
    await withoutServices(async () => ${end}, ${JSON.stringify(policy)});`;
  spawnSync(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  expect(existsSync(policy)).toBe(left);
  removeLeftPolicy(policy);
  expect(existsSync(policy)).toBe(false);
});

test("a policy of somebody else's counts, and stays", async () => {
  writeFileSync(policy, "#!/bin/sh\nexit 104\n", { mode: 0o755 });
  await withoutServices(async () => expect(asked()).toBe(104), policy);
  removeLeftPolicy(policy);
  expect(readFileSync(policy, "utf8")).toContain("exit 104");
});
