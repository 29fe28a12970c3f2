import type * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { endsWith } from "./lifetime.ts";

const owner = { urn: "owner" } as unknown as pulumi.Resource;
const another = { urn: "another" } as unknown as pulumi.Resource;

/** Options of a resource of that type, after the transformation. */
function optionsOf(of: pulumi.Resource | undefined, type: string, opts: pulumi.CustomResourceOptions) {
  return endsWith(of)({ type, name: "one", props: {}, opts, resource: another })?.opts;
}

describe("what is in a cluster ends with it", () => {
  test("objects are deleted with it, unless with something else", () => {
    expect(optionsOf(owner, "kubernetes:core/v1:Service", {})).toEqual({ deletedWith: owner });
    expect(optionsOf(owner, "kubernetes:core/v1:Service", { deletedWith: another })).toEqual({ deletedWith: another });
  });

  test("what is protected does not stop that, and outlives all else", () => {
    expect(optionsOf(owner, "kubernetes:core/v1:Namespace", { protect: true })).toEqual({ deletedWith: owner, protect: false, retainOnDelete: true });
  });

  test("other resources, and those of a cluster that was there before, are as they are", () => {
    expect(optionsOf(owner, "command:remote:Command", { protect: true })).toBeUndefined();
    expect(optionsOf(undefined, "kubernetes:core/v1:Namespace", { protect: true })).toBeUndefined();
  });
});
