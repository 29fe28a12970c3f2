import { containersOf } from "./kubernetes.ts";
import type { ResourcePolicy } from "./policy.ts";

/** A name that can come to mean another image makes a rollout, or a restart, unrepeatable. */
export const pinnedImages: ResourcePolicy = {
  name: "pinned-images",
  description: "Every image is pinned by its digest or by a tag made from its content (12 or more hexadecimal digits).",
  enforcementLevel: "mandatory",
  violations: (resource) =>
    containersOf(resource).flatMap(({ container: { image = "" }, place }) =>
      isPinned(image)
        ? []
        : [`${place} has image "${image}"; pin it by digest (@sha256:...) or by a content tag (12 or more hexadecimal digits)`],
    ),
};

/** Whether an image reference can only ever mean one image. */
export function isPinned(reference: string): boolean {
  const [name = "", digest] = reference.split("@");
  if (digest !== undefined) return /^sha256:[0-9a-f]{64}$/.test(digest);
  // A colon before the last slash belongs to the registry's port.
  return /:[0-9a-f]{12,}$/.test(name.slice(name.lastIndexOf("/") + 1));
}
