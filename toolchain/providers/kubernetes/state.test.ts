import { expect, test } from "vitest";
import { checkpoint, inputsOf, manifest, parseCheckpoint, prune } from "./state.ts";
import { secret } from "../shared/properties.ts";
import type { Json } from "./values.ts";

test("a checkpoint leads back to what it was made of", () => {
  const state = {
    inputs: { apiVersion: "v1", kind: "Secret", data: { a: "MQ==" } },
    live: { apiVersion: "v1", kind: "Secret", data: { a: "MQ==" }, metadata: { uid: "1" } },
    initialApiVersion: "v1",
    fieldManager: "pulumi-kubernetes-00000000",
  };
  const stored = checkpoint(state, {});
  expect(stored).toMatchObject({ data: secret({ a: "MQ==" }), __inputs: { data: secret({ a: "MQ==" }) }, __initialApiVersion: "v1" });
  expect(parseCheckpoint(stored)).toEqual(state);
});

test("an empty state is that of no object", () => {
  expect(parseCheckpoint({})).toEqual({ inputs: {}, live: {}, initialApiVersion: "", fieldManager: undefined });
});

test("dashes in the schemas of custom resources are underscores in programs", () => {
  const properties = { spec: { x_kubernetes_list_type: "set", x_other: 1 } };
  const object = { spec: { "x-kubernetes-list-type": "set", x_other: 1 } };
  expect(manifest(properties)).toEqual(object);
  expect(checkpoint({ inputs: {}, live: object, initialApiVersion: "v1", fieldManager: undefined }, {})).toMatchObject(properties);
});

test.each<[string, Json, Json, Json]>([
  ["members that the inputs lack go", { a: 1, b: 2 }, { a: 0 }, { a: 1 }],
  ["members that are gone stay gone", { b: 2 }, { a: 0 }, {}],
  [
    "named items of others go",
    [
      { name: "x", v: 1 },
      { name: "y", v: 2, w: 3 },
    ],
    [{ name: "y", v: 0 }],
    [{ name: "y", v: 2 }],
  ],
  ["named items follow the inputs' order", [{ name: "x" }, { name: "y" }], [{ name: "y" }, { name: "x" }], [{ name: "y" }, { name: "x" }]],
  ["other lists count as a whole", [1, 2, 3], [1], [1, 2, 3]],
  ["items of other lists are pruned", [{ a: 1, b: 2 }], [{ a: 0 }], [{ a: 1 }]],
  ["a default is not what the program gave", { a: "None", b: [1], c: { d: 1 }, e: 1 }, { a: "", b: [], c: null, e: 0 }, { e: 1 }],
  ["nothing that is stored as nothing is", { a: "", b: [] }, { a: "", b: [] }, { a: "", b: [] }],
])("prunes: %s", (_, live, inputs, pruned) => {
  expect(prune(live, inputs)).toEqual(pruned);
});

test("an import writes what a program would", () => {
  const annotations = { "deployment.kubernetes.io/revision": "1" };
  const live = { kind: "Deployment", metadata: { name: "a", uid: "1", generation: 2, annotations }, spec: { replicas: 1 }, status: {} };
  expect(inputsOf(live)).toEqual({ kind: "Deployment", metadata: { name: "a" }, spec: { replicas: 1 } });
});
