import { containersOf, podTemplateOf } from "./kubernetes.ts";
import type { ResourcePolicy } from "./policy.ts";

/** Who breaks out of a process should find neither root nor a place to install anything. */
export const leastPrivilege: ResourcePolicy = {
  name: "least-privilege",
  description: "Every container runs as a user other than root, with a read-only root file system.",
  enforcementLevel: "mandatory",
  violations(resource) {
    const pod = podTemplateOf(resource)?.spec?.securityContext;
    return containersOf(resource).flatMap(({ container: { securityContext: own }, place }) => {
      const user = own?.runAsUser ?? pod?.runAsUser;
      const nonRoot = own?.runAsNonRoot ?? pod?.runAsNonRoot;
      const asRoot = user === 0 || (nonRoot !== true && user === undefined);
      return [
        ...(asRoot ? [`${place} may run as root; set securityContext.runAsNonRoot to true and no runAsUser of 0`] : []),
        ...(own?.readOnlyRootFilesystem === true
          ? []
          : [`${place} has a writable root file system; set securityContext.readOnlyRootFilesystem to true`]),
      ];
    });
  },
};
