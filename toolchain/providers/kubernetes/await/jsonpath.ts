/**
 * The JSONPath of `kubectl get -o jsonpath` as far as conditions need it: members (`.status.phase`, `['a.b']`), items
 * (`[0]`, `[-1]`, `[*]`) and filters (`[?(@.type=="Ready")]`, with == and !=).
 */

import { isObject, type Json } from "../values.ts";

type Step = (value: Json) => readonly Json[];

/** What a path is made of: how each step is written, and what it does. */
const grammar: readonly (readonly [RegExp, (match: readonly (string | undefined)[]) => Step])[] = [
  [
    /\.?\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]/y,
    ([, path = "", operator, double, single, bare]) => filter(parseJsonPath(path), operator === "==", double ?? single ?? bare ?? ""),
  ],
  [/\[\*\]|\.\*/y, () => (value) => (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [])],
  [
    /\[(-?\d+)\]/y,
    ([, index]) =>
      (value) =>
        Array.isArray(value) ? present(value.at(Number(index))) : [],
  ],
  [/\[['"]([^'"]+)['"]\]/y, ([, name = ""]) => member(name)],
  [/\.((?:[\w-]|\\.)+)/y, ([, name = ""]) => member(name.replaceAll("\\", ""))],
];

/** Throws an error that names the part that cannot be read. */
export function parseJsonPath(expression: string): (value: Json) => readonly Json[] {
  const text = expression.replace(/^\{(.*)\}$/s, "$1").replace(/^\$/, "");
  const steps: Step[] = [];
  for (let position = 0; position < text.length;) {
    const found = matchStep(text, position);
    if (found === undefined) {
      throw new Error(`JSONPath ${JSON.stringify(expression)} cannot be read from ${JSON.stringify(text.slice(position))} on`);
    }
    steps.push(found.step);
    position = found.end;
  }
  if (steps.length === 0) throw new Error(`JSONPath ${JSON.stringify(expression)} is empty; write for example {.status.phase}`);
  return (value) => steps.reduce<readonly Json[]>((values, step) => values.flatMap(step), [value]);
}

function matchStep(text: string, position: number): { readonly step: Step; readonly end: number } | undefined {
  for (const [pattern, step] of grammar) {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match !== null) return { step: step(match), end: position + match[0].length };
  }
  return undefined;
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
