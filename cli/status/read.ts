import { readStack } from "../engine/outputs.ts";
import { messageOf } from "../errors.ts";
import { nodeReadiness } from "./kubernetes.ts";
import { type Live, report, type Status } from "./report.ts";

/**
 * Reads the status of a stack: what its state says, and what is there at the moment. Takes a few seconds at most, also when nothing
 * answers.
 */
export async function readStatus(stack: string): Promise<Status> {
  const found = await readStack(stack);
  if (found.state !== "up") return report(stack, found, undefined, new Date());
  const live = await nodeReadiness(found.outputs).then(
    (ready): Live => ({ ready }),
    (error: unknown): Live => ({ error: messageOf(error) }),
  );
  return report(stack, found, live, new Date());
}
