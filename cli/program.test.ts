import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exitCodes } from "./errors.ts";
import { root } from "./paths.ts";
import { stackNames } from "./stacks.ts";

/** Runs ./peak without the launcher. */
function peak(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "cli", "main.ts"), ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test("local is the first of the stacks", () => expect(stackNames()).toEqual(["local", "minikube", "pi-testbed"]));

describe.each<[string[], number, RegExp]>([
  [["--help"], 0, /up \[options\][\s\S]*doctor/],
  [["up", "--help"], 0, /--nodes <n>/],
  [["test", "--help"], 0, /e2e/],
  [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
])("%j", (args, code, stdout) => {
  test("tells", async () =>
    expect(await peak(...args)).toMatchObject({ code, stdout: expect.stringMatching(stdout) as string, stderr: "" }));
});

describe.each<[string[], RegExp]>([
  [[], /Usage: peak/],
  [["upp"], /unknown command 'upp'\n\(Did you mean up\?\)/],
  [["up", "--node", "3"], /unknown option '--node'\n\(Did you mean --nodes\?\)/],
  [["up", "extra"], /too many arguments/],
  [["up", "--nodes", "x"], /must be a number of nodes/],
  [["up", "--stack", "nowhere"], /Allowed choices are local, minikube, pi-testbed/],
  [["--stack", "nowhere", "kubectl", "get", "pods"], /Allowed choices are local/],
  [["up", "--stack", "minikube", "--nodes", "3"], /--nodes is for the stack local/],
  [["test", "everything"], /Allowed choices are types, unit/],
  [["ssh"], /missing required argument 'node'/],
  [["client"], /missing required argument 'command'/],
])("%j", (args, stderr) => {
  test("is refused", async () =>
    expect(await peak(...args)).toMatchObject({ code: exitCodes.usage, stdout: "", stderr: expect.stringMatching(stderr) as string }));
});
