/**
 * The JSONPath of `kubectl get -o jsonpath` as far as conditions need it: members (`.status.phase`, `['a.b']`), items
 * (`[0]`, `[-1]`, `[*]`) and filters (`[?(@.type=="Ready")]`, with == and !=).
 */

import { isObject, type Json } from "../values.ts";

type Step = (value: Json) => readonly Json[];

/** Throws an error that names the part that cannot be read. */
export function parseJsonPath(expression: string): (value: Json) => readonly Json[] {
  const text = expression.replace(/^\{(.*)\}$/s, "$1").replace(/^\$/, "");
  const steps: Step[] = [];
  const token = /\.?\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]|\[(-?\d+|\*)\]|\[['"]([^'"]+)['"]\]|\.((?:[\w-]|\\.)+|\*)/y;
  while (token.lastIndex < text.length) {
    const start = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new Error(`JSONPath ${JSON.stringify(expression)} cannot be read from ${JSON.stringify(text.slice(start))} on`);
    const [, filterPath, operator, double, single, bare, index, quoted, name] = match;
    if (filterPath !== undefined) steps.push(filter(parseJsonPath(filterPath), operator === "==", double ?? single ?? bare ?? ""));
    else if (index === "*" || name === "*") steps.push((value) => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []));
    else if (index !== undefined) steps.push((value) => (Array.isArray(value) ? present(value.at(Number(index))) : []));
    else steps.push(member(quoted ?? (name ?? "").replaceAll("\\", "")));
  }
  if (steps.length === 0) throw new Error(`JSONPath ${JSON.stringify(expression)} is empty; write for example {.status.phase}`);
  return (value) => steps.reduce<readonly Json[]>((values, step) => values.flatMap(step), [value]);
}

const present = (value: Json | undefined): readonly Json[] => (value === undefined ? [] : [value]);

const member =
  (name: string): Step =>
  (value) =>
    isObject(value) ? present(value[name]) : [];

function filter(path: (value: Json) => readonly Json[], wanted: boolean, text: string): Step {
  return (value) => (Array.isArray(value) ? value.filter((item) => path(item).some((found) => asText(found) === text) === wanted) : []);
}

/** A value as `kubectl` compares it. */
export function asText(value: Json): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
