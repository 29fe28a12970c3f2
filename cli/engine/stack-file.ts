import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Document, LineCounter, parse, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";
import { root } from "../paths.ts";

/** The text of a stack's Pulumi.STACK.yaml. What its keys and values are worth is the program's to judge. */
export async function committedStackFile(stack: string): Promise<string> {
  const name = `Pulumi.${stack}.yaml`;
  const text = await readFile(join(root, name), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${name} cannot be read (${error.code}): it has the configuration of the stack ${stack}`);
  });
  checkStackFile(name, text);
  return text;
}

/** The configuration that a stack file sets; nothing where it sets none. */
export async function committedConfig(stack: string): Promise<Readonly<Record<string, unknown>>> {
  return configOf(parse(await committedStackFile(stack))) ?? {};
}

/** Path of a stack's inventory, as its stack file has it. */
export async function inventoryOf(stack: string): Promise<string> {
  return String((await committedConfig(stack))["peak:inventory"] ?? "its inventory");
}

/** @throws UsageError with file and line when the text is no YAML, or not what a stack file is */
export function checkStackFile(name: string, text: string): void {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (fault) throw new UsageError(`${name}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`);
  if (configOf(document.toJS()) === undefined)
    throw new UsageError(`${name}: it must be a mapping with the key config, which is a mapping of configuration keys to their values`);
}

/** Undefined where a stack file, or what it has as `config`, is something else than a mapping. */
function configOf(file: unknown): Record<string, unknown> | undefined {
  if (!isMapping(file ?? {})) return undefined;
  const config = (file as { config?: unknown } | null)?.config ?? {};
  return isMapping(config) ? config : undefined;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
  setConfig(document, "peak:keys", keys);
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
  const salt = encryptionSalt(own);
  if (salt !== undefined) document.set("encryptionsalt", salt);
  if (nodes !== undefined) setConfig(document, "peak:nodes", nodes);
  if (keys !== undefined) setConfig(document, "peak:keys", keys);
  return document.toString();
}

/** Sets a configuration key, also in a file that has none. */
function setConfig(document: Document, key: string, value: unknown): void {
  if (document.has("config") && document.get("config") === undefined) document.delete("config");
  document.setIn(["config", key], value);
}
