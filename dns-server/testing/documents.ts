import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** The text for operators, and the examples in it. */

export const guide = readFileSync(new URL("../../docs/peakdns.md", import.meta.url), "utf8");

/** The YAML examples of a text, parsed. What stands for a secret is one. */
export const examplesIn = (text: string): Record<string, unknown>[] =>
  [...text.matchAll(/^( *)```yaml\n([^]*?)^\1```$/gm)].map(
    ([, , block]) => parse(block!.replaceAll("secret: ...", `secret: ${"A".repeat(43)}=`)) as Record<string, unknown>,
  );
