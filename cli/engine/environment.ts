import { randomBytes } from "node:crypto";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostArch } from "../../toolchain/products.ts";
import type { Progress } from "../../toolchain/progress.ts";
import { provide } from "../../toolchain/provide.ts";
import { UsageError } from "../errors.ts";
import { paths, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";

/** The project's name in Pulumi.yaml. */
export const PROJECT = "peak";

/** The engine binary, found, downloaded or built. */
export async function engineBinary(log: Progress, signal: AbortSignal): Promise<string> {
  const { dir } = await provide("engine", hostArch, { log, signal });
  return join(dir, "bin", "pulumi");
}

/** Whether the local stack has a state, that is, was brought up and not destroyed. */
export async function hasLocalState(): Promise<boolean> {
  try {
    await access(join(paths.state, ".pulumi", "stacks", PROJECT, `${LOCAL}.json`));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") return false;
    throw new UsageError(`${paths.state} belongs to another user: run this as that user, or with sudo`, { cause: error });
  }
}

/**
 * Points this process, and so the engine, to a stack's backend. The local stack has its own, in the project directory; any other uses what
 * the user is logged in to.
 */
export async function useBackend(stack: string): Promise<void> {
  process.env["PULUMI_SKIP_UPDATE_CHECK"] = "true";
  if (stack !== LOCAL) return;
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  // Never overwritten: without it the state's secrets are lost.
  await writeFile(paths.passphrase, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx", mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
  delete process.env["PULUMI_CONFIG_PASSPHRASE"]; // it would win over the file
  process.env["PULUMI_CONFIG_PASSPHRASE_FILE"] = paths.passphrase;
  process.env["PULUMI_BACKEND_URL"] = `file://${paths.state}`;
  process.env["PULUMI_HOME"] = paths.home;
}
