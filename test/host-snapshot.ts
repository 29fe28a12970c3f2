import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A shell script that prints what there is on a host, a line each. */
export const snapshotScript = readFileSync(join(import.meta.dirname, "host-snapshot.sh"), "utf8");

/** The lines that only one of two snapshots has: `-` in front of those of the first, `+` of the second. */
export function difference(before: string, after: string): string[] {
  const [old, now] = [before, after].map((text) => new Set(text.trim().split("\n")));
  return [...[...old!].filter((line) => !now!.has(line)).map((line) => `- ${line}`), ...[...now!].filter((line) => !old!.has(line)).map((line) => `+ ${line}`)];
}
