import type * as pulumi from "@pulumi/pulumi";

/**
 * Makes this project the owner of every Kubernetes object that it applies: under one field manager, so that what an update applied
 * before it was killed belongs to the next. Nothing is applied by force: what belongs to somebody else is an error.
 */
export const ownFields: pulumi.ResourceTransformation = ({ type, props, opts }) => {
  // A patch is for some fields of an object that has its owner: it keeps a manager of its own.
  if (!type.startsWith("kubernetes:") || type.endsWith("Patch")) return undefined;
  const { metadata } = props as { metadata?: { annotations?: object } };
  const annotations = { ...metadata?.annotations, "pulumi.com/patchFieldManager": "peak" };
  return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
};
