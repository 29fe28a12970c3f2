import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { Operation } from "../shared/provider.ts";
import { Capture, type Exit, type Output } from "./capture.ts";
import type { LocalExecution } from "./schema.ts";

const KILL_AFTER_MS = 10_000;

/**
 * Runs a command on this machine to its end, showing its output lines as progress. The command leads its own process group: when the
 * operation is cancelled, the whole group gets SIGTERM, and SIGKILL if some of it is left after 10 s.
 *
 * @param previous output of the last run, for `addPreviousOutputInEnv`
 * @throws when the command cannot be started, fails, or is cancelled
 */
export async function runLocal(
  command: string,
  execution: LocalExecution,
  previous: Partial<Output>,
  { signal, progress }: Operation,
): Promise<Output> {
  signal.throwIfAborted();
  const [program = "/bin/sh", ...args] = execution.interpreter.length > 0 ? execution.interpreter : ["/bin/sh", "-c"];
  const child = spawn(program, [...args, command], {
    cwd: execution.dir,
    detached: true,
    env: {
      ...process.env,
      ...execution.environment,
      ...(execution.addPreviousOutputInEnv ? previousOutputVariables(previous) : {}),
    },
    stdio: [execution.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  const capture = new Capture(execution.logging, progress);
  child.stdout?.on("data", (bytes: Buffer) => capture.write("stdout", bytes));
  child.stderr?.on("data", (bytes: Buffer) => capture.write("stderr", bytes));
  // A command need not read its standard input.
  child.stdin?.on("error", () => {}).end(execution.stdin);

  let killTimer: NodeJS.Timeout | undefined;
  const cancel = (): void => {
    killGroup(child.pid, "SIGTERM");
    killTimer = setTimeout(() => killGroup(child.pid, "SIGKILL"), KILL_AFTER_MS);
  };
  signal.addEventListener("abort", cancel);
  try {
    const exit = await new Promise<Exit>((resolve, reject) => {
      child.once("error", (error) => reject(startError(error, program, execution.dir)));
      child.once("close", (code, ended) => resolve({ code, signal: ended }));
    });
    if (signal.aborted) {
      await groupEnd(child.pid);
      throw new Error("cancelled while the command was running");
    }
    if (exit.code !== 0) throw capture.failure(exit);
    return capture.end();
  } finally {
    signal.removeEventListener("abort", cancel);
    clearTimeout(killTimer);
  }
}

/** The environment variables in which a command finds the output of the run before; an empty output sets none. */
export function previousOutputVariables({ stdout, stderr }: Partial<Output>): Record<string, string> {
  return {
    ...(stdout ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(stderr ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}

/**
 * Resolves when nothing of the group is left: what a command leaves behind need not hold its output streams. Bounded, since one that
 * nobody has waited for yet counts as left.
 */
async function groupEnd(pid: number | undefined): Promise<void> {
  for (let waited = 0; waited < KILL_AFTER_MS + 1_000 && killGroup(pid, 0); waited += 100) await delay(100);
}

/** Whether there was something in the group to send the signal to. */
function killGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function startError(error: Error, program: string, dir: string | undefined): Error {
  // Node reports a missing directory as a missing program.
  return new Error(`cannot start "${program}"${dir === undefined ? "" : ` in directory "${dir}"`}: ${error.message}`);
}
