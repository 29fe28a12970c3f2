import { execFile } from "node:child_process";

/**
 * Runs a program to its end and returns its standard output. Throws an error that names the command and what it said on standard error.
 * The input goes to its standard input, which is empty otherwise.
 */
export function run(command: string, args: readonly string[], input = "", env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = stderr.trim() || stdout.trim() || error.message;
      reject(new Error(`${[command, ...args].join(" ")}: ${said}`, { cause: error }));
    });
    child.stdin?.on("error", () => {}); // a program need not read its input; its exit code tells
    child.stdin?.end(input);
  });
}

/** Runs `ip` with one command a line, in a network namespace or on the host. */
export async function ip(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run("ip", [...(namespace ? ["-n", namespace] : []), "-6", "-batch", "-"], `${lines.join("\n")}\n`);
}

/** A line of progress, where a person sees it. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
