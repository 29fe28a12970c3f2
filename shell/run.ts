import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

export interface RunOptions {
  cwd?: string | undefined;
  /** Its whole environment; ours when omitted. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Its standard input; empty when omitted. */
  input?: string | undefined;
  /** Ends the command; the promise then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Gets each line of standard error as it comes. */
  onLine?: ((line: string) => void) | undefined;
  /**
   * For builds: lets other programs go first, and the signal ends all that the command started as well, such as compilers. It is in a
   * session of its own then, which outlives ours if we are killed.
   */
  background?: boolean;
}

/** How a command ended. */
export interface Outcome {
  /** Its exit code, or the signal that killed it. */
  status: number | string;
  stdout: string;
  stderr: string;
}

/** A command that ran and failed. Its message has the command and the end of what it said. */
export class CommandError extends Error {
  override name = "CommandError";
  /** All that it wrote to standard error; to standard output if that is nothing. */
  readonly said: string;

  constructor(command: string, { status, stdout, stderr }: Outcome) {
    const said = stderr.trim() || stdout.trim();
    const end = said.split("\n").slice(-TAIL).join("\n");
    super(`${command} ended with ${typeof status === "number" ? `status ${status}` : status}${end && `:\n${end}`}`);
    this.said = said;
  }
}

/** Lines that an error shows. */
const TAIL = 20;

/** Characters of a command line that an error shows. */
const LINE = 100;

/**
 * Runs a command and returns its standard output.
 * @throws CommandError when it ends with another status than 0; an Error with the code ENOENT when there is no such command
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const outcome = await attempt(command, args, options);
  if (outcome.status !== 0) throw new CommandError(shown([command, ...args].join(" ")), outcome);
  return outcome.stdout;
}

/** Whether a command is there and ends with status 0. Rejects only when it is aborted. */
export async function succeeds(command: string, args: readonly string[], options: RunOptions = {}): Promise<boolean> {
  try {
    await run(command, args, options);
    return true;
  } catch {
    options.signal?.throwIfAborted();
    return false;
  }
}

/** Runs a command and returns how it ended, whatever its status is. @throws Error with the code ENOENT when there is no such command */
export async function attempt(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { cwd, env, input, signal, onLine, background = false } = options;
  signal?.throwIfAborted();
  const child = spawn(command, args, { cwd, env, detached: background, stdio: ["pipe", "pipe", "pipe"] });
  const { pid } = child;
  const stop = (): void => {
    if (pid === undefined) return;
    try {
      process.kill(background ? -pid : pid, "SIGTERM");
    } catch {
      // it has ended by itself
    }
  };
  signal?.addEventListener("abort", stop, { once: true });
  const end = new Promise<number | string>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "ENOENT" ? missing(command, error) : error));
    child.once("close", (code, killedBy) => resolve(killedBy ?? code!));
  });
  if (pid !== undefined && background) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  if (onLine) createInterface({ input: child.stderr }).on("line", onLine);
  child.stdin.on("error", () => {}); // a program need not read its input: its status tells
  child.stdin.end(input);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  try {
    const [stdout, status] = await Promise.all([text(child.stdout), end]);
    signal?.throwIfAborted();
    return { status, stdout, stderr };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function missing(command: string, cause: Error): Error {
  return Object.assign(new Error(`${command} is not installed`, { cause }), { code: "ENOENT" });
}

function shown(line: string): string {
  const words = line.replaceAll(/\s+/g, " ").trim();
  return words.length > LINE ? `${words.slice(0, LINE)}…` : words;
}
