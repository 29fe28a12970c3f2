import { createInterface } from "node:readline/promises";
import { Interrupted, UsageError } from "./errors.ts";

/** Asks before a stack of real machines is changed. Without a terminal there is nobody to ask: then `--yes` must say so. */
export async function confirm(what: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) throw new UsageError(`there is no terminal to ask whether to ${what}: add --yes`);
  using prompt = createInterface({ input: process.stdin, output: process.stderr });
  prompt.on("SIGINT", () => prompt.close());
  const answer = await prompt.question(`Really ${what}? [y/N] `).catch(() => "");
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interrupted("nothing was changed");
}
