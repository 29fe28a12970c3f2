import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { LineCounter, parse, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import { root } from "../paths.ts";

/** The text of a stack's Pulumi.STACK.yaml. What its keys and values are worth is the program's to judge. */
export async function committedStackFile(stack: string): Promise<string> {
  const name = `Pulumi.${stack}.yaml`;
  const text = await readFile(join(root, name), "utf8");
  checkYaml(name, text);
  return text;
}

/** Path of a stack's inventory, as its stack file has it. */
export async function inventoryOf(stack: string): Promise<string> {
  const { config } = parse(await committedStackFile(stack)) as { config?: Record<string, unknown> };
  return String(config?.["peak:inventory"] ?? "its inventory");
}

/** @throws UsageError with file and line when the text is no YAML */
export function checkYaml(name: string, text: string): void {
  const lines = new LineCounter();
  const [fault] = parseDocument(text, { lineCounter: lines, prettyErrors: false }).errors;
  if (fault) throw new UsageError(`${name}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`);
}

/** A stack file without what its secrets are encrypted with, unless it has secrets. */
export function withoutEncryption(text: string): { text: string; hasSecrets: boolean } {
  const document = parseDocument(text);
  const hasSecrets = /^\s+secure:/m.test(text);
  if (!hasSecrets) for (const key of ["encryptionsalt", "encryptedkey", "secretsprovider"]) document.delete(key);
  return { text: document.toString(), hasSecrets };
}

/** The salt of a stack file's passphrase; undefined where secrets are encrypted by other means. */
export function encryptionSalt(text: string): string | undefined {
  const salt: unknown = parseDocument(text).get("encryptionsalt");
  return typeof salt === "string" ? salt : undefined;
}

/** A stack file with another `peak:keys`, and everything else as it was. */
export function withKeys(text: string, keys: string): string {
  const document = parseDocument(text);
  document.setIn(["config", "peak:keys"], keys);
  return document.toString({ lineWidth: 0 });
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
