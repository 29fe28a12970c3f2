import { createInterface } from "node:readline/promises";
import { Interrupted, UsageError } from "./errors.ts";

/** Without a terminal there is nobody to ask whether to do something: then `--yes` must say so. Called before any work is done. */
export function requireAnswer(what: string, yes: boolean): void {
  if (!yes && !process.stdin.isTTY) throw new UsageError(`there is no terminal to ask whether to ${what}: add --yes`);
}

/** Asks before a stack of real machines is changed. @throws Interrupted unless the answer is yes, also at Ctrl-C and at the end of input */
export async function confirm(what: string, yes: boolean): Promise<void> {
  requireAnswer(what, yes);
  if (yes) return;
  const { promise: given, resolve } = Promise.withResolvers<string>();
  using prompt = createInterface({ input: process.stdin, output: process.stderr });
  for (const event of ["SIGINT", "close"] as const) prompt.once(event, () => resolve(""));
  prompt.question(`Really ${what}? [y/N] `).then(resolve, () => resolve(""));
  const answer = await given;
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interrupted("nothing was changed");
}
