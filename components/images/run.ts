import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal;
}

/** A command that ended with another status than 0. Its message has the command and the end of what it said. */
export class CommandError extends Error {
  constructor(command: string, args: readonly string[], status: string, said: string) {
    super(`${[command, ...args].join(" ")} ended with ${status}:\n${said.trim().split("\n").slice(-20).join("\n")}`);
    this.name = "CommandError";
  }
}

/**
 * Runs a command without standard input; resolves with its standard output, rejects with a `CommandError`, or if there is no such
 * command.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close") as Promise<[number | null, string | null]>;
  const [output, errors, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (code !== 0) throw new CommandError(command, args, signal ?? `status ${code}`, errors || output);
  return output;
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
