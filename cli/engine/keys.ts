import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BusyError } from "../errors.ts";
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

/** A step of a rotation: what `peak:keys` is, and what it is to be. */
export interface KeyStep {
  from: string;
  to: string;
}

/**
 * Takes a step of a rotation, for who has the stack to itself.
 * @returns how to take it back
 * @throws BusyError when another run has taken one since it was decided
 */
export async function takeStep(stack: string, { from, to }: KeyStep): Promise<() => Promise<void>> {
  if ((await readConfig(stack)).keys !== from)
    throw new BusyError(`another run has changed the keys of the stack ${stack} in the meantime: run this again`);
  await writeKeys(stack, to);
  return () => writeKeys(stack, from);
}

/** Sets `peak:keys` in one step: for the local stack beside its state, for others in their Pulumi.STACK.yaml, which is to be committed. */
async function writeKeys(stack: string, keys: string): Promise<void> {
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
