import type { PropertyChange, ResourceChange } from "./changes.ts";
import { type Changes, label } from "./progress.ts";
import { changesText } from "./text.ts";

/** What an update would do: to which resources, and to the stack's outputs. */
export interface Plan {
  resources: readonly ResourceChange[];
  outputs: readonly PropertyChange[];
}

const signs: Readonly<Record<string, string>> = { create: "+", import: "+", update: "~", replace: "+-", delete: "-" };
const propertySigns = { add: "+", update: "~", delete: "-" } as const;

/** What a value may take of a line. */
const WIDTH = 60;

/** Whether there is nothing to do. */
export function isEmptyPlan({ resources, outputs }: Plan): boolean {
  return resources.length === 0 && outputs.length === 0;
}

/**
 * A plan for people: what is changed, sorted, below its component. With `diff`, each property with its old and its new value; otherwise the
 * names of the properties, and of a component that is made or removed as a whole no more than how much is in it.
 */
export function planLines({ resources, outputs }: Plan, diff: boolean): string[] {
  const groups = Map.groupBy(resources, ({ component }) => component);
  const lines = [...groups]
    .sort(([a], [b]) => compare(label(a), label(b)))
    .flatMap(([component, members]) => {
      const sorted = members.toSorted((a, b) => compare(label(a.urn), label(b.urn)) || compare(a.urn, b.urn));
      const [only] = sorted;
      if (only && sorted.length === 1 && only.urn === component) return resourceLines(only, diff, "");
      const changes: Changes = {};
      for (const { op } of sorted) changes[op] = (changes[op] ?? 0) + 1;
      const heading = `${label(component)}: ${changesText(changes, "planned")}`;
      const whole = !diff && sorted.every(({ op }) => op === sorted[0]!.op && (op === "create" || op === "delete"));
      if (only && sorted.length === 1 && diff) return resourceLines(only, diff, "", ` of ${label(component)}`);
      return whole ? [heading] : [heading, ...sorted.flatMap((change) => resourceLines(change, diff, "  "))];
    });
  if (outputs.length === 0) return lines;
  return [...lines, ...(diff ? ["Outputs:", ...outputs.flatMap((change) => propertyLine(change, "  "))] : [`Outputs: ${names(outputs)}`])];
}

/** What `preview --json` lists of a resource (docs/preview.md). */
export function changeJson({ urn, op, component, properties }: ResourceChange): object {
  const [, , types = "", ...name] = urn.split("::");
  return { urn, type: types.split("$").at(-1), name: name.join("::"), op, component: label(component), properties };
}

function resourceLines({ urn, op, properties }: ResourceChange, diff: boolean, indent: string, where = ""): string[] {
  const line = `${indent}${(signs[op] ?? op).padEnd(2)} ${label(urn)}${where}`;
  if (diff) return [line, ...properties.map((property) => propertyLine(property, `${indent}     `))];
  if (properties.length === 0) return [line];
  const causes = properties.filter(({ replaces }) => replaces);
  return [`${line}  (${causes.length > 0 ? `because of ${names(causes)}` : names(properties)})`];
}

function propertyLine({ path, kind, replaces, old, new: wanted }: PropertyChange, indent: string): string {
  const [before, after] = cutTogether(valueText(old), valueText(wanted));
  const values = kind === "update" ? `${before} -> ${after}` : kind === "add" ? after : before;
  return `${indent}${propertySigns[kind]} ${path}: ${values}${replaces ? "  (forces replacement)" : ""}`;
}

function names(properties: readonly PropertyChange[]): string {
  return properties.map(({ path }) => path).join(", ");
}

function valueText(value: unknown): string {
  if (value === undefined) return "[nothing]";
  if (typeof value === "string" && /^\[(secret|unknown|asset)\]$/.test(value)) return value;
  return JSON.stringify(value);
}

/** Long texts are cut to where they begin to differ. */
function cutTogether(old: string, wanted: string): [string, string] {
  if (old.length <= WIDTH && wanted.length <= WIDTH) return [old, wanted];
  let same = 0;
  while (same < old.length && old[same] === wanted[same]) same++;
  const from = Math.max(0, same - 16);
  return [cut(old, from), cut(wanted, from)];
}

function cut(text: string, from: number): string {
  const begin = text.length <= WIDTH ? 0 : Math.min(from, text.length - WIDTH);
  const end = begin + WIDTH;
  return `${begin > 0 ? "…" : ""}${text.slice(begin, end)}${end < text.length ? "…" : ""}`;
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
