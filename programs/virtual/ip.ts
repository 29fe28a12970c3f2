import { run } from "../../shell/run.ts";

/** Runs `ip` with one command a line, in a network namespace or on the host. */
export async function ip(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run("ip", [...(namespace ? ["-n", namespace] : []), "-6", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
