import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes everything that a component creates share `owner`'s fate: when the owner is deleted, none of it is deleted one by one.
 * Without an owner, nothing changes.
 */
export function within(owner: pulumi.Resource | undefined): pulumi.ResourceTransformation {
  return ({ props, opts }) => (owner ? { props, opts: { ...opts, deletedWith: opts.deletedWith ?? owner } } : undefined);
}
