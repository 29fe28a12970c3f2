import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** The texts for operators, and the examples in them. */

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
export const reference = read("../README.md");
export const guide = read("../../docs/peakdns.md");

/** The YAML examples of a text, parsed. What stands for a secret is one. */
export const examplesIn = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/^( *)```yaml\n([^]*?)^\1```$/gm)].map(
    ([, , block]) => parse(block!.replaceAll("secret: ...", `secret: ${"A".repeat(43)}=`)) as Record<string, unknown>,
  );
