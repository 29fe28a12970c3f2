import { z } from "zod";
import { CliError, messageOf } from "../errors.ts";
import { LOCAL } from "../stacks.ts";
import { ask, hasLocalState, isAbsent, isLoggedOut, noBackend, readingEngine } from "./environment.ts";
import type { PastUpdate } from "./rotation.ts";

const entries = z.array(z.object({
  kind: z.string(),
  result: z.string().optional(),
  endTime: z.string().optional(),
  environment: z.record(z.string(), z.string()).nullish(),
  config: z.record(z.string(), z.object({ value: z.string().optional() })).nullish(),
}));

/** Options of the engine by which an update leaves resources out. */
const selecting = ["target", "target-replace", "exclude"];

/** What has been done to a stack, the newest first; nothing where there is no stack. */
export async function updateHistory(stack: string): Promise<PastUpdate[]> {
  if (stack === LOCAL && !(await hasLocalState())) return [];
  const engine = await readingEngine(stack);
  const json = await ask(engine, ["stack", "history", "--stack", stack, "--json", "--page-size", "100"]).catch((error: unknown) => {
    const said = messageOf(error);
    if (isAbsent(said)) return "[]";
    throw isLoggedOut(said) ? noBackend(stack) : new CliError(`the history of the stack ${stack} cannot be read: ${said}`);
  });
  return parseHistory(json);
}

/** Parses what the engine tells of a stack's history. An update that has not ended has no result: it is under way, or was killed. */
export function parseHistory(json: string): PastUpdate[] {
  return entries.parse(JSON.parse(json)).flatMap(({ kind, result, endTime, environment, config }) => {
    if (result === undefined || endTime === undefined) return [];
    // The engine notes the options that it was called with.
    const partial = selecting.some((option) => environment?.[`pulumi.flag.${option}`] !== undefined);
    return [{ kind, result, endTime, keys: config?.["peak:keys"]?.value ?? "", partial }];
  });
}
