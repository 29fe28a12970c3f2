/** The `pulumi.com/waitFor` annotation: conditions of the program's own, for objects of any kind. */

import { conditionIsTrue, condition, type KubeObject } from "../objects.ts";
import { asText, parseJsonPath } from "./jsonpath.ts";
import { ready, waiting, type Awaiter } from "./status.ts";

type Condition = (object: KubeObject) => boolean;

/**
 * Reads the annotation: one condition, or a JSON array of conditions that must all hold, each of
 * `condition=TYPE`, `condition=TYPE=STATUS`, `jsonpath={PATH}` (is there) or `jsonpath={PATH}=VALUE`.
 * Throws an error that quotes what cannot be read.
 */
export function parseWaitFor(value: string): Awaiter {
  const conditions = expressions(value).map((text) => ({ text, holds: parseCondition(text) }));
  return {
    related: () => [],
    status(object) {
      const open = conditions.filter(({ holds }) => !holds(object)).map(({ text }) => text);
      return open.length === 0 ? ready : waiting(`waits for ${open.join(" and ")}`);
    },
  };
}

function expressions(value: string): string[] {
  if (!value.trimStart().startsWith("[")) return [value];
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    parsed = undefined;
  }
  if (Array.isArray(parsed) && parsed.length > 0 && parsed.every((item): item is string => typeof item === "string")) return parsed;
  throw new Error(`pulumi.com/waitFor: ${value} is not a JSON array of at least one condition`);
}

function parseCondition(text: string): Condition {
  const [prefix, rest] = split(text);
  if (prefix === "condition") {
    const [type, status] = split(rest);
    if (type === "") throw new Error(`pulumi.com/waitFor: ${JSON.stringify(text)} names no condition; write condition=TYPE`);
    if (status === "") return (object) => conditionIsTrue(object, type);
    return (object) => String(condition(object, type)?.["status"] ?? "").toLowerCase() === status.toLowerCase();
  }
  if (prefix === "jsonpath") {
    const [, path = rest, wanted] = /^'?(\{.*\})'?(?:=(.*))?$/s.exec(rest) ?? /^([^=]*)(?:=(.*))?$/s.exec(rest) ?? [];
    const find = parseJsonPath(path);
    return (object) => {
      const found = find(object);
      return found.length > 0 && (wanted === undefined || found.every((value) => asText(value) === unquote(wanted)));
    };
  }
  throw new Error(`pulumi.com/waitFor: ${JSON.stringify(text)} starts with neither "condition=" nor "jsonpath="`);
}

const unquote = (text: string): string => text.replace(/^(["'])(.*)\1$/s, "$2");

/** The parts before and after the first `=`. */
function split(text: string): [string, string] {
  const index = text.indexOf("=");
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}
