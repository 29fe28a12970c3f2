import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import sdk from "@pulumi/command/package.json" with { type: "json" };
import { afterEach, beforeEach, expect, test } from "vitest";
import { progressOn } from "../../toolchain/progress.ts";
import { root } from "../paths.ts";
import { enginePath } from "./plugins.ts";

const bundled = join(root, "toolchain", "providers", "bin");
let scratch: string;

beforeEach(() => (scratch = mkdtempSync(join(tmpdir(), "peak-plugins-"))));
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

/** Makes a folder with these plugins. */
function folder(name: string, ...plugins: string[]): string {
  const path = join(scratch, name);
  mkdirSync(path, { recursive: true });
  for (const plugin of plugins) {
    writeFileSync(join(path, `pulumi-resource-${plugin}`), "");
    chmodSync(join(path, `pulumi-resource-${plugin}`), 0o755);
  }
  return path;
}

async function pathOf(env: Record<string, string>, downloads: Record<string, string> = {}): Promise<string[]> {
  const download = async (name: string) => downloads[name];
  const path = await enginePath(progressOn(process.stderr), new AbortController().signal, { PULUMI_HOME: scratch, ...env }, download);
  return path.split(delimiter);
}

test("the bundled plugins come last, whatever else there is and whatever is missing", async () => {
  const own = folder("own", "command");
  const system = folder("system", "random");
  const downloaded = join(folder("downloaded/bin", "kubernetes"), "..");
  expect(await pathOf({ PATH: system })).toEqual([system, bundled]);

  const installed = folder(`plugins/resource-command-v${sdk.version}`, "command");
  expect(await pathOf({ PATH: `${bundled}:${system}` }, { kubernetes: downloaded })).toEqual([join(downloaded, "bin"), installed, system, bundled]);
  expect(await pathOf({ PATH: system, PEAK_PLUGIN_PATH: own })).toEqual([own, system, bundled]);
});

test("what is found is not downloaded", async () => {
  const all = folder("all", "command", "kubernetes", "random", "tls");
  const refuse = { command: "/never", kubernetes: "/never", random: "/never", tls: "/never" };
  expect(await pathOf({ PATH: all }, refuse)).toEqual([all, bundled]);
});
