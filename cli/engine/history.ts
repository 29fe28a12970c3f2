import { z } from "zod";
import { progressOn } from "../../toolchain/progress.ts";
import { ask, engineBinary, useBackend } from "./environment.ts";
import type { PastUpdate } from "./rotation.ts";

const entries = z.array(z.object({
  kind: z.string(),
  result: z.string(),
  endTime: z.string(),
  config: z.record(z.string(), z.object({ value: z.string().optional() })).nullish(),
}));

/** What has been done to a stack, the newest first. */
export async function updateHistory(stack: string): Promise<PastUpdate[]> {
  const engine = await engineBinary(progressOn(process.stderr), new AbortController().signal);
  useBackend(stack);
  const json = await ask(engine, ["stack", "history", "--stack", stack, "--json", "--page-size", "100"]);
  return entries.parse(JSON.parse(json)).map(({ kind, result, endTime, config }) =>
    ({ kind, result, endTime, keys: config?.["peak:keys"]?.value ?? "" }));
}
