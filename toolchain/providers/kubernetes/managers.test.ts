import { expect, test } from "vitest";
import { adoptFields, fieldManager, hasClientSideManager, ignoreChanges, nothing } from "./managers.ts";
import type { JsonObject } from "./values.ts";

const entry = (manager: string, operation: string, fieldsV1: JsonObject, subresource?: string): JsonObject => ({
  manager,
  operation,
  apiVersion: "apps/v1",
  fieldsV1,
  ...(subresource === undefined ? {} : { subresource }),
});
const object = (...managedFields: JsonObject[]): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "echo", namespace: "web", managedFields },
  spec: { replicas: 5, paused: true },
});

test("the field manager is the annotation's, else the one before, else a new one", () => {
  const annotated = { metadata: { annotations: { "pulumi.com/patchFieldManager": "mine" } } };
  expect(fieldManager(annotated, "before")).toBe("mine");
  expect(fieldManager({}, "before")).toBe("before");
  expect(fieldManager({}, undefined)).toMatch(/^pulumi-kubernetes-[0-9a-f]{8}$/);
});

test("what client-side appliers own is merged into ours; status and others stay", () => {
  const status = entry("kubectl", "Update", { "f:status": {} }, "status");
  const other = entry("autoscaler", "Update", { "f:spec": { "f:replicas": {} } });
  const live = object(
    entry("us", "Apply", { "f:spec": { "f:paused": {} } }),
    entry("kubectl-client-side-apply", "Update", { "f:spec": { "f:replicas": {} }, "f:metadata": {} }),
    other,
    status,
  );
  expect(hasClientSideManager(live)).toBe(true);
  expect(adoptFields(live, "us")).toEqual([
    entry("us", "Apply", { "f:spec": { "f:paused": {}, "f:replicas": {} }, "f:metadata": {} }),
    other,
    status,
  ]);
  expect(hasClientSideManager(object(other, status))).toBe(false);
  expect(adoptFields(object(other, status), "us")).toEqual([other, status]);
});

test("an ignored field is left to its only manager; ours keeps its live value", () => {
  const inputs = { spec: { replicas: 1, paused: false } };
  const live = object(
    entry("autoscaler", "Update", { "f:spec": { "f:replicas": {} } }),
    entry("us", "Apply", { "f:spec": { "f:paused": {} } }),
  );
  expect(ignoreChanges(inputs, live, [["spec", "replicas"]], "us")).toEqual({ spec: { paused: false } });
  expect(ignoreChanges(inputs, live, [["spec", "paused"]], "us")).toEqual({ spec: { replicas: 1, paused: true } });
  expect(
    ignoreChanges(
      inputs,
      live,
      [
        ["spec", "containers", 0],
        ["spec", "missing"],
      ],
      "us",
    ),
  ).toEqual(inputs);
});

test("nothing is an object's identity alone", () => {
  expect(nothing(object())).toEqual({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "echo", namespace: "web" } });
});
