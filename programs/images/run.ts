import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a command without standard input and resolves with its standard output. Rejects, with the end of what it said, if it ends with
 * another status than 0, and if it is not installed.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  const [output, errors, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), closed]).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? new Error(`${command} is not installed`) : error;
  });
  if (code === 0) return output;
  const said = (errors || output).trim().split("\n").slice(-20).join("\n");
  throw new Error(`${command} ended with ${signal ?? `status ${code}`}:\n${said}`);
}

/** Whether a command is there and ends with status 0. Rejects only when it is stopped. */
export async function succeeds(command: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  try {
    await run(command, args, options);
    return true;
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}
