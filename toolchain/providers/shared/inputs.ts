import type { z } from "zod";
import { hasUnknown, reveal, type Properties } from "./properties.ts";
import type { CheckFailure } from "./provider.ts";

/**
 * Checks inputs against the schema of a resource. Inputs that are not known yet are left out; their turn comes in the update.
 *
 * @returns one failure for each faulty input, with the path of the value at fault
 */
export function checkInputs(schema: z.ZodType, inputs: Properties): CheckFailure[] {
  const unknown = new Set(Object.keys(inputs).filter((key) => hasUnknown(inputs[key])));
  const known = Object.fromEntries(Object.entries(inputs).filter(([key]) => !unknown.has(key)));
  const { error } = schema.safeParse(reveal(known));
  return (error?.issues ?? [])
    .filter((issue) => !unknown.has(String(issue.path[0])))
    .map((issue) => ({ property: issue.path.join("."), reason: issue.message }));
}
