import type * as pulumi from "@pulumi/pulumi";

/**
 * Applies every Kubernetes object under one field manager instead of a random one each. What an update applied before it was
 * killed then belongs to the next update, and is no conflict.
 */
export const oneFieldManager: pulumi.ResourceTransformation = ({ type, props, opts }) => {
  if (!type.startsWith("kubernetes:")) return undefined;
  const { metadata } = props as { metadata?: { annotations?: object } };
  const annotations = { ...metadata?.annotations, "pulumi.com/patchFieldManager": "peak" };
  return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
};
