import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownershipFault } from "./errors.ts";
import { paths } from "./paths.ts";

/**
 * Writes one of the credentials of a stack. Another command may read the file at the same time: it is replaced as a whole.
 * @returns its path
 * @throws UsageError when another user has written them
 */
export async function writeSecret(stack: string, name: string, text: string): Promise<string> {
  const dir = paths.credentials(stack);
  const file = join(dir, name);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.${process.pid}`, text, { mode: 0o600 });
    await rename(`${file}.${process.pid}`, file);
  } catch (error) {
    throw ownershipFault(dir, error);
  }
  return file;
}
