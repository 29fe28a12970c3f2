import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { paths, root, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";
import { committedConfig, committedStackFile, withKeys } from "./stack-file.ts";

/** `peak:keys` of the local stack, where it differs from the committed file: what was rotated is this clone's own. */
export async function localKeys(): Promise<string | undefined> {
  const text = await readFile(paths.keys, "utf8").catch(() => undefined);
  return text?.trim();
}

/** `peak:keys` and `peak:kubeContext` of a stack; empty where they are not set. */
export async function readConfig(stack: string): Promise<{ keys: string; kubeContext: string }> {
  const own = stack === LOCAL ? await localKeys() : undefined;
  const config = await committedConfig(stack);
  return { keys: own ?? String(config["peak:keys"] ?? ""), kubeContext: String(config["peak:kubeContext"] ?? "") };
}

/** Sets `peak:keys` in one step: for the local stack beside its state, for others in their Pulumi.STACK.yaml, which is to be committed. */
export async function writeKeys(stack: string, keys: string): Promise<void> {
  if (stack === LOCAL) {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    return replace(paths.keys, `${keys}\n`);
  }
  await replace(join(root, `Pulumi.${stack}.yaml`), withKeys(await committedStackFile(stack), keys));
}

async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
