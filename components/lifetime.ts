import * as pulumi from "@pulumi/pulumi";

/**
 * Options for everything that exists only inside `owner`: when the owner is deleted with the stack, nothing inside it is deleted one by one.
 * Without an owner, nothing changes.
 */
export function within(owner: pulumi.Resource | undefined): pulumi.ComponentResourceOptions {
  if (!owner) return {};
  return { transforms: [({ custom, props, opts }) => (custom ? { props, opts: pulumi.mergeOptions({ deletedWith: owner }, opts) } : undefined)] };
}
