import { expect, test } from "vitest";
import { awaiterFor, awaitsDeletion, deletionTimeoutSeconds } from "./awaiters.ts";
import { labelSelector } from "./selector.ts";

const skip = { annotations: { "pulumi.com/skipAwait": "true" } };

test("kinds with a status are waited for, unless the program does not want it", () => {
  expect(awaiterFor({ apiVersion: "apps/v1", kind: "Deployment" })).toBeDefined();
  expect(awaiterFor({ apiVersion: "apps/v1", kind: "Deployment", metadata: skip })).toBeUndefined();
  expect(awaiterFor({ apiVersion: "v1", kind: "ConfigMap" })).toBeUndefined();
  expect(
    awaiterFor({ apiVersion: "v1", kind: "ConfigMap", metadata: { annotations: { "pulumi.com/waitFor": "condition=X" } } }),
  ).toBeDefined();
});

test("skipAwait leaves out waiting for the deletion of workloads, not of other objects", () => {
  const deployment = { apiVersion: "apps/v1", kind: "Deployment" };
  const map = { apiVersion: "v1", kind: "ConfigMap" };
  expect(awaitsDeletion({ metadata: skip }, deployment)).toBe(false);
  expect(awaitsDeletion({}, deployment)).toBe(true);
  expect(awaitsDeletion({ metadata: skip }, map)).toBe(true);
  expect([deployment, map].map(deletionTimeoutSeconds)).toEqual([600, 300]);
});

test("a label selector becomes the query that selects the same", () => {
  const matchExpressions = [
    { key: "tier", operator: "In", values: ["a", "b"] },
    { key: "tier", operator: "NotIn", values: ["c"] },
    { key: "x", operator: "Exists" },
    { key: "y", operator: "DoesNotExist" },
  ];
  expect(labelSelector({ matchLabels: { app: "echo" }, matchExpressions })).toEqual({
    labelSelector: "app=echo,tier in (a,b),tier notin (c),x,!y",
  });
});
