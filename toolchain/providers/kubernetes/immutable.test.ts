import { expect, test } from "vitest";
import { formatPath, parsePath, type Change } from "./diff.ts";
import { refusalOf, refusedFields, replacedPaths, replacements } from "./immutable.ts";

const refusal = (code: number, ...causes: [string, string][]): Parameters<typeof refusedFields>[0] =>
  refusalOf({ code, details: { causes: causes.map(([field, message]) => ({ field, message })) } });

// As API server 1.36 words them.
test.each([
  ["spec.selector", "Invalid value: {}: field is immutable"],
  ["spec", "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"],
  ["roleRef", "Invalid value: {}: cannot change roleRef"],
  ["spec.clusterIPs[0]", 'Invalid value: []string{"fd00::1"}: may not change once set'],
  ["spec", "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"],
  ["spec", "Forbidden: spec is immutable after creation except resources.requests"],
  ["parameters", "Forbidden: updates to parameters are forbidden."],
  ["value", "Forbidden: may not be changed in an update."],
])("%s: %s means a replacement", (field, message) => {
  expect(refusedFields(refusal(422, [field, message]))).toEqual([field]);
});

test("a refusal for another reason does not", () => {
  expect(refusedFields(refusal(422, ["spec.ports[0].port", "Invalid value: 99999: must be between 1 and 65535"]))).toEqual([]);
  expect(refusedFields(refusal(422, ["a", "field is immutable"], ["b", "Required value"]))).toEqual([]);
  expect(refusedFields(refusal(403, ["a", "field is immutable"]))).toEqual([]);
  expect(refusedFields(refusalOf("no JSON"))).toEqual([]);
});

const change = (path: string): Change => ({ path: parsePath(path), kind: "update" });
const replaced = (paths: string[], table: string[], refused: string[]): string[] =>
  Array.from(replacements(paths.map(change), table, refused), ({ path }) => formatPath(path));

test("changes are replaced that the table or the server names, or if need be all", () => {
  const both = ["spec.selector.matchLabels.app", "spec.replicas"];
  expect(replaced(both, ["spec.selector"], [])).toEqual(["spec.selector.matchLabels.app"]);
  expect(replaced(both, [], ["spec.selector"])).toEqual(["spec.selector.matchLabels.app"]);
  expect(replaced(["spec"], [], ["spec.selector"])).toEqual(["spec"]);
  expect(replaced(["spec.clusterIP"], [], ["spec.clusterIPs[0]"])).toEqual(["spec.clusterIP"]);
  expect(replaced(both, [], [])).toEqual([]);
});

test("ConfigMaps and Secrets are replaced unless the provider may change them", () => {
  const never = { configMaps: false, secrets: false };
  const both = { configMaps: true, secrets: true };
  const map = { apiVersion: "v1", kind: "ConfigMap" };
  expect(replacedPaths(map, false, never)).toContain("data");
  expect(replacedPaths(map, false, both)).not.toContain("data");
  expect(replacedPaths({ ...map, immutable: true }, false, both)).toContain("data");
  expect(replacedPaths({ apiVersion: "v1", kind: "Secret" }, false, both)).toEqual(["metadata.name", "metadata.namespace", "type"]);
  expect(replacedPaths(map, true, never)).toEqual(["metadata.name", "metadata.namespace"]);
});
