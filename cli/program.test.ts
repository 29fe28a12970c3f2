import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { exitCodes } from "./errors.ts";
import { root } from "./paths.ts";

/** Runs ./peak without the launcher. */
function peak(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "cli", "main.ts"), ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

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
  [["kubectl", "get", "pods", "--stack", "nowhere"], /argument 'nowhere' is invalid. Allowed choices are local/],
  [["pulumi", "stack", "export", "--stack", "nowhere"], /argument 'nowhere' is invalid. Allowed choices are local/],
  [["pulumi", "stack", "export", "-s", "nowhere"], /argument 'nowhere' is invalid. Allowed choices are local/],
  [["logs", "--stack", "nowhere", "pi1"], /argument 'nowhere' is invalid. Allowed choices are local/],
  [["ssh", "pi1", "--stack", "nowhere", "ls"], /argument 'nowhere' is invalid. Allowed choices are local/],
  [["--stack", "minikube", "doctor"], /`doctor` is not for the stack minikube: it asks nothing of this host/],
  [["test", "--stack", "minikube"], /`test` is not for the stack minikube/],
  [["up", "--stack", "minikube", "--nodes", "3"], /--nodes is for the stack local/],
  [["destroy", "--target", "pi2", "--purge"], /option '--target <resource>' cannot be used with option '--purge'/],
  [["destroy", "--stack", "minikube", "--target", "x"], /no terminal to ask whether to destroy a part of the stack minikube: add --yes/],
  [["test", "everything"], /Allowed choices are types, unit/],
  [["ssh"], /missing required argument 'node'/],
  [["client"], /missing required argument 'command'/],
])("%j", (args, stderr) => {
  test("is refused", async () =>
    expect(await peak(...args)).toMatchObject({ code: exitCodes.usage, stdout: "", stderr: expect.stringMatching(stderr) as string }));
});
