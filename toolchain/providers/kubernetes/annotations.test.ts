import { expect, test } from "vitest";
import { annotations, deletionPropagation, timeoutSeconds } from "./annotations.ts";

const withAnnotation = (name: string, value: string): { metadata: { annotations: Record<string, string> } } => ({
  metadata: { annotations: { [name]: value } },
});

test.each([
  [30, "60", 30],
  [0, "60", 60],
  [0, "soon", 600],
  [0, "", 600],
])("a custom timeout of %s s and the annotation %j give %s s", (custom, value, seconds) => {
  expect(timeoutSeconds(withAnnotation(annotations.timeoutSeconds, value), custom, 600)).toBe(seconds);
});

test.each([
  ["background", "Background"],
  ["Orphan", "Orphan"],
  ["foreground", "Foreground"],
  ["anything", "Foreground"],
])("the policy %s means %s", (value, policy) => {
  expect(deletionPropagation(withAnnotation(annotations.deletionPropagation, value))).toBe(policy);
});
