import { containersOf } from "./kubernetes.ts";
import type { ResourcePolicy } from "./policy.ts";

/** A container without bounds can starve its node, and a measurement on that node means nothing. */
export const boundedResources: ResourcePolicy = {
  name: "bounded-resources",
  description: "Every container requests and limits CPU and memory.",
  enforcementLevel: "mandatory",
  violations: (resource) =>
    containersOf(resource).flatMap(({ container: { resources }, place }) => {
      const missing = (["requests", "limits"] as const).flatMap((bound) =>
        ["cpu", "memory"].filter((quantity) => resources?.[bound]?.[quantity] === undefined).map((quantity) => `${bound}.${quantity}`),
      );
      return missing.length === 0 ? [] : [`${place} has no resources ${missing.join(", ")}; set them`];
    }),
};
