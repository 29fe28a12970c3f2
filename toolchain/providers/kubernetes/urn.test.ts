import { expect, test } from "vitest";
import { resourceName, resourceType } from "./urn.ts";

test.each([
  ["kubernetes:core/v1:Pod", { apiVersion: "v1", kind: "Pod", patch: false }],
  ["kubernetes:apps/v1:DeploymentPatch", { apiVersion: "apps/v1", kind: "Deployment", patch: true }],
  ["kubernetes:networking.k8s.io/v1:Ingress", { apiVersion: "networking.k8s.io/v1", kind: "Ingress", patch: false }],
  ["peak:index:App$kubernetes:peak.dev/v1alpha1:Patch", { apiVersion: "peak.dev/v1alpha1", kind: "Patch", patch: false }],
])("reads %s", (token, type) => {
  expect(resourceType(`urn:pulumi:local::peak::${token}::name`)).toMatchObject(type);
});

test.each(["kubernetes:v1:Pod", "pulumi:pulumi:Stack", "kubernetes:core/v1", ""])("refuses %s", (token) => {
  expect(() => resourceType(`urn:pulumi:local::peak::${token}::name`)).toThrow(/is not a Kubernetes resource type/);
});

test("a resource's name may have colons", () => {
  expect(resourceName("urn:pulumi:local::peak::kubernetes:core/v1:Pod::a::b")).toBe("a::b");
});
