/** The annotations by which a program steers the provider. */

import { annotation, type KubeObject } from "./objects.ts";

export const annotations = {
  autonamed: "pulumi.com/autonamed",
  deletionPropagation: "pulumi.com/deletionPropagationPolicy",
  fieldManager: "pulumi.com/patchFieldManager",
  force: "pulumi.com/patchForce",
  replaceUnready: "pulumi.com/replaceUnready",
  skipAwait: "pulumi.com/skipAwait",
  timeoutSeconds: "pulumi.com/timeoutSeconds",
  waitFor: "pulumi.com/waitFor",
} as const;

export function isTrue(object: KubeObject, name: (typeof annotations)[keyof typeof annotations]): boolean {
  return annotation(object, name) === "true";
}

/**
 * How long to wait for the object, in seconds: the resource's custom timeout (0 where none is set), else the
 * annotation, else the default of what is waited for.
 */
export function timeoutSeconds(object: KubeObject, custom: number, fallback: number): number {
  if (custom > 0) return custom;
  const value = annotation(object, annotations.timeoutSeconds);
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : fallback;
}

/** The propagation policy of a deletion: foreground, unless the annotation says otherwise. */
export function deletionPropagation(object: KubeObject): "Background" | "Foreground" | "Orphan" {
  switch (annotation(object, annotations.deletionPropagation)?.toLowerCase()) {
    case "orphan":
      return "Orphan";
    case "background":
      return "Background";
    default:
      return "Foreground";
  }
}
