import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isMap, isScalar, LineCounter, parse, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import { root } from "../paths.ts";

/** The text of a stack's Pulumi.STACK.yaml; throws what `checkStackFile` throws. */
export async function committedStackFile(stack: string): Promise<string> {
  const name = `Pulumi.${stack}.yaml`;
  const text = await readFile(join(root, name), "utf8");
  checkStackFile(await readFile(join(root, "Pulumi.yaml"), "utf8"), name, text);
  return text;
}

/**
 * Checks that a stack file is YAML, and that every key is one that Pulumi.yaml describes: a misspelt one would silently change nothing.
 * Keys of providers (`kubernetes:context`) are not ours to judge.
 * @throws UsageError with file, line and key
 */
export function checkStackFile(project: string, name: string, text: string): void {
  const known = Object.keys((parse(project) as { config?: object }).config ?? {});
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => `${name}:${lines.linePos(offset).line}`;
  const [fault] = document.errors;
  if (fault) throw new UsageError(`${place(fault.pos[0])}: ${fault.message}`);
  const config = document.get("config");
  if (!isMap(config)) return;
  for (const { key } of config.items) {
    const word = isScalar(key) ? String(key.value) : String(key);
    if (!word.startsWith("peak:") || known.includes(word)) continue;
    throw new UsageError(`${place((isScalar(key) ? key.range?.[0] : undefined) ?? 0)}: there is no key ${word}; Pulumi.yaml has ${known.join(", ")}`);
  }
}

/** A stack file without what its secrets are encrypted with, unless it has secrets. */
export function withoutEncryption(text: string): { text: string; hasSecrets: boolean } {
  const document = parseDocument(text);
  const hasSecrets = /^\s+secure:/m.test(text);
  if (!hasSecrets) for (const key of ["encryptionsalt", "encryptedkey", "secretsprovider"]) document.delete(key);
  return { text: document.toString(), hasSecrets };
}

/**
 * The configuration that the local stack runs with: the committed file, so that an edit there counts, plus what belongs to this clone alone
 * and must not show up as a change in git.
 * @param committed text of Pulumi.local.yaml
 * @param own text that has the salt of the stack's secrets: what this function returned last time, or what `pulumi stack init` wrote
 * @param nodes the number asked for by `--nodes`
 * @param keys what `./peak rotate` has come to
 */
export function ownStackFile(committed: string, own: string, { nodes, keys }: { nodes?: number | undefined; keys?: string | undefined }): string {
  const document = parseDocument(committed);
  document.commentBefore = " Written by ./peak; edit Pulumi.local.yaml in the project directory.";
  const salt = parseDocument(own).get("encryptionsalt");
  if (salt !== undefined) document.set("encryptionsalt", salt);
  if (nodes !== undefined) document.setIn(["config", "peak:nodes"], nodes);
  if (keys !== undefined) document.setIn(["config", "peak:keys"], keys);
  return document.toString();
}
