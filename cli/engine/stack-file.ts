import { isMap, isScalar, LineCounter, parse, parseDocument } from "yaml";
import { UsageError } from "../errors.ts";

/** A Pulumi.STACK.yaml: the file's name and its text. */
export interface StackFile {
  name: string;
  text: string;
}

/**
 * Checks that every key of a stack file is one that Pulumi.yaml describes: a misspelt one would silently change nothing.
 * Keys of providers (`kubernetes:context`) are not ours to judge.
 * @throws UsageError with file, line and key
 */
export function checkKeys(project: string, stack: StackFile): void {
  const known = Object.keys((parse(project) as { config?: object }).config ?? {});
  const lines = new LineCounter();
  const document = parseDocument(stack.text, { lineCounter: lines });
  const [fault] = document.errors;
  if (fault) throw new UsageError(`${stack.name}: ${fault.message}`);
  const config = document.get("config");
  if (!isMap(config)) return;
  for (const { key } of config.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    if (!name.startsWith("peak:") || known.includes(name)) continue;
    const { line } = lines.linePos((isScalar(key) ? key.range?.[0] : undefined) ?? 0);
    throw new UsageError(`${stack.name}:${line}: there is no key ${name}; Pulumi.yaml has ${known.join(", ")}`);
  }
}

/**
 * The configuration that the local stack runs with: the committed file, so that an edit there counts, plus what belongs to this clone alone
 * and must not show up as a change in git: the salt of its secrets, and the number of nodes asked for by `--nodes` (until destroy).
 * @param committed text of Pulumi.local.yaml
 * @param own text of what this function returned last time, or of what `pulumi stack init` wrote
 * @param nodes the number asked for now; without it, the one asked for before holds on
 */
export function ownStackFile(committed: string, own: string, nodes: number | undefined): string {
  const before = (parse(own) ?? {}) as { encryptionsalt?: string; config?: Record<string, string> };
  const document = parseDocument(committed);
  document.commentBefore = " Written by ./peak; edit Pulumi.local.yaml in the project directory.";
  if (before.encryptionsalt !== undefined) document.set("encryptionsalt", before.encryptionsalt);
  const wanted = nodes === undefined ? before.config?.["peak:nodes"] : String(nodes);
  if (wanted !== undefined) document.setIn(["config", "peak:nodes"], wanted);
  return document.toString();
}
