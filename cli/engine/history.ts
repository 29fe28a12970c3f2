import { z } from "zod";
import { progressOn } from "../../toolchain/progress.ts";
import { CliError, messageOf } from "../errors.ts";
import { LOCAL } from "../stacks.ts";
import { ask, engineBinary, hasLocalState, isAbsent, isLoggedOut, noBackend, useBackend } from "./environment.ts";
import type { PastUpdate } from "./rotation.ts";

const entries = z.array(z.object({
  kind: z.string(),
  result: z.string(),
  endTime: z.string(),
  environment: z.record(z.string(), z.string()).nullish(),
  config: z.record(z.string(), z.object({ value: z.string().optional() })).nullish(),
}));

/** Options of the engine by which an update leaves resources out. */
const selecting = ["target", "target-replace", "exclude"];

/** What has been done to a stack, the newest first; nothing where there is no stack. */
export async function updateHistory(stack: string): Promise<PastUpdate[]> {
  if (stack === LOCAL && !(await hasLocalState())) return [];
  const engine = await engineBinary(progressOn(process.stderr), new AbortController().signal);
  useBackend(stack);
  const json = await ask(engine, ["stack", "history", "--stack", stack, "--json", "--page-size", "100"]).catch((error: unknown) => {
    const said = messageOf(error);
    if (isAbsent(said)) return "[]";
    throw isLoggedOut(said) ? noBackend(stack) : new CliError(`the history of the stack ${stack} cannot be read: ${said}`);
  });
  return entries.parse(JSON.parse(json)).map(({ kind, result, endTime, environment, config }) => ({
    kind,
    result,
    endTime,
    keys: config?.["peak:keys"]?.value ?? "",
    // The engine notes the options that it was called with.
    partial: selecting.some((option) => environment?.[`pulumi.flag.${option}`] !== undefined),
  }));
}
