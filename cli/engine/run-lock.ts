import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { tryAcquire } from "../../toolchain/lock.ts";
import { BusyError, ownershipFault } from "../errors.ts";
import { workDir } from "../paths.ts";

/** Makes this the only ./peak of this clone that changes the stack, until disposed or dead. @throws BusyError; UsageError */
export async function lockStack(stack: string): Promise<Disposable> {
  const file = join(workDir, `${stack}.lock`);
  try {
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    await (await open(file, "a", 0o600)).close();
  } catch (error) {
    throw ownershipFault(file, error);
  }
  const lock = tryAcquire(file);
  if (!lock) throw new BusyError(`another ./peak is working on the stack ${stack}; wait for it to end, or end it`);
  return lock;
}
