import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
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
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, "programs", "virtual", "main.ts"), verb], {
      cwd: root,
    });
    return JSON.parse(stdout) as Listing;
  } catch (error) {
    throw new CliError((error as { stderr?: string }).stderr?.trim() || String(error));
  }
}
