import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes the Kubernetes objects that a component creates share `owner`'s fate: when the owner is deleted or replaced, none of them is deleted
 * one by one. So protection must not stop that: what would be protected is retained instead, and outlives whatever else deletes it from the
 * program. Without an owner, nothing changes.
 */
export function endsWith(owner: pulumi.Resource | undefined): pulumi.ResourceTransformation {
  return ({ type, props, opts }) => {
    if (!owner || !type.startsWith("kubernetes:")) return undefined;
    const { protect = false, ...others } = opts as pulumi.CustomResourceOptions;
    return { props, opts: { ...others, deletedWith: opts.deletedWith ?? owner, ...(protect && { protect: false, retainOnDelete: true }) } };
  };
}
