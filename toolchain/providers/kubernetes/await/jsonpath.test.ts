import { expect, test } from "vitest";
import { parseJsonPath } from "./jsonpath.ts";
import type { Json } from "../values.ts";

const object: Json = {
  metadata: { labels: { "a.b/c": "dotted" } },
  status: {
    phase: "Running",
    ips: ["::1", "::2"],
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Other", status: "False" },
    ],
  },
};

test.each<[string, Json[]]>([
  ["{.status.phase}", ["Running"]],
  [".status.phase", ["Running"]],
  ["{$.status.ips[0]}", ["::1"]],
  ["{.status.ips[-1]}", ["::2"]],
  ["{.status.ips[*]}", ["::1", "::2"]],
  ["{.status.missing.phase}", []],
  ["{.metadata.labels['a.b/c']}", ["dotted"]],
  ["{.metadata.labels.a\\.b\\/c}", ["dotted"]],
  ['{.status.conditions[?(@.type=="Ready")].status}', ["True"]],
  ["{.status.conditions[?(@.type!='Ready')].status}", ["False"]],
])("%s", (expression, values) => {
  expect(parseJsonPath(expression)(object)).toEqual(values);
});

test.each(["{}", "{.a[}", "{.a..b}", "{.a[?(@.b>1)]}"])("%s is refused", (expression) => {
  expect(() => parseJsonPath(expression)).toThrow(/JSONPath/);
});
