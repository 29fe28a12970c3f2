import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes the Kubernetes objects that a component creates share `owner`'s fate: when the owner is deleted or replaced, none of them is deleted
 * one by one. Without an owner, nothing changes.
 * @param lost whether what there was is known to be lost: then nothing of it is to be protected
 */
export function within(owner: pulumi.Resource | undefined, lost = false): pulumi.ResourceTransformation {
  return ({ type, props, opts }) => {
    if (!owner || !type.startsWith("kubernetes:")) return undefined;
    return { props, opts: { ...opts, deletedWith: opts.deletedWith ?? owner, ...(lost && { protect: false }) } };
  };
}
