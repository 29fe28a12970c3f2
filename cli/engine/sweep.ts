import { join } from "node:path";
import { CommandError, run } from "../../shell/run.ts";
import { CliError } from "../errors.ts";
import { root } from "../paths.ts";

/** What the local stack has on this host, by kind. */
export type Listing = Record<string, unknown[]>;

/** Lists what the local stack has on this host, whatever made it. */
export function leftovers(): Promise<Listing> {
  return virtual("list");
}

/** Removes all that the local stack has on this host, and makes sure. */
export async function sweep(): Promise<void> {
  const left = Object.entries(await virtual("sweep")).flatMap(([kind, entries]) =>
    entries.map((entry) => `${kind} ${JSON.stringify(entry)}`),
  );
  if (left.length > 0) throw new CliError(`could not remove from this host: ${left.join(", ")}`);
}

async function virtual(verb: "list" | "sweep"): Promise<Listing> {
  try {
    return JSON.parse(await run(process.execPath, [join(root, "programs", "virtual", "main.ts"), verb], { cwd: root })) as Listing;
  } catch (error) {
    throw error instanceof CommandError ? new CliError(error.said) : error;
  }
}
