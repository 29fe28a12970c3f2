import { boundedResources } from "./bounded-resources.ts";
import { directServices, directWorkloads } from "./direct-services.ts";
import { hiddenSecrets } from "./hidden-secrets.ts";
import { leastPrivilege } from "./least-privilege.ts";
import { pinnedImages } from "./pinned-images.ts";
import type { ResourcePolicy, StackPolicy } from "./policy.ts";

/** The rules that every stack of the project keeps. */
export const resourcePolicies: readonly ResourcePolicy[] = [boundedResources, leastPrivilege, pinnedImages, directServices, hiddenSecrets];
export const stackPolicies: readonly StackPolicy[] = [directWorkloads];
