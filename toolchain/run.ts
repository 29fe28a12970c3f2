import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Ends the command and all that it started; `run` then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Gets each line of standard error. */
  onLine?: (line: string) => void;
}

/** A command that ran and failed; `message` has the end of its standard error. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** Lines of standard error that an error shows. */
const TAIL = 20;

/**
 * Runs a command at low priority and returns its standard output. Rejects with a CommandError when it exits with another code than 0, and
 * with the system's error (code ENOENT) when there is no such command.
 */
export async function run(command: string, args: readonly string[], { cwd, env, signal, onLine }: RunOptions = {}): Promise<string> {
  signal?.throwIfAborted();
  // A process group of its own, so that one signal reaches the compilers that a build started as well.
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const { pid } = child;
  const stop = (): void => {
    if (pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-pid, "SIGTERM");
  };
  signal?.addEventListener("abort", stop, { once: true });
  const exit = new Promise<string>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, killedBy) => resolve(killedBy ?? String(code)));
  });
  if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const tail: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    onLine?.(line);
    tail.push(line);
    if (tail.length > TAIL) tail.shift();
  });
  try {
    const [stdout, end] = await Promise.all([text(child.stdout), exit]);
    signal?.throwIfAborted();
    if (end !== "0") throw new CommandError(`${command} ${args[0] ?? ""} ended with ${end}:\n${tail.join("\n")}`);
    return stdout;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
