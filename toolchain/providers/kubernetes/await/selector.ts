/** Label selectors as the query of a list request. */

import { listAt, objectAt, textAt } from "../objects.ts";
import type { JsonObject } from "../values.ts";

const operators: Readonly<Record<string, (key: string, values: string) => string>> = {
  In: (key, values) => `${key} in (${values})`,
  NotIn: (key, values) => `${key} notin (${values})`,
  Exists: (key) => key,
  DoesNotExist: (key) => `!${key}`,
};

/** A selector with `matchLabels` and `matchExpressions`. */
export function labelSelector(selector: JsonObject): { labelSelector: string } {
  const labels = Object.entries(objectAt(selector, "matchLabels")).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = listAt(selector, "matchExpressions").flatMap((entry) => {
    const format = operators[textAt(entry, "operator") ?? ""];
    return format === undefined ? [] : [format(textAt(entry, "key") ?? "", listAt(entry, "values").join(","))];
  });
  return { labelSelector: [...labels, ...expressions].join(",") };
}
