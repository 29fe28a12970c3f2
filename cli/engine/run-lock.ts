import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tryAcquire } from "../../toolchain/lock.ts";
import { BusyError } from "../errors.ts";
import { workDir } from "../paths.ts";

/** Makes this the only ./peak of this clone that changes the stack, until disposed or dead. */
export async function lockStack(stack: string): Promise<Disposable> {
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const lock = tryAcquire(join(workDir, `${stack}.lock`));
  if (!lock) throw new BusyError(`another ./peak is working on the stack ${stack}; wait for it to end, or end it`);
  return lock;
}
