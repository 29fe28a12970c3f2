import type { Host } from "../node/host.ts";

/** A pod's containers run without privileges. */
export const unprivileged = { runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: { type: "RuntimeDefault" } };

/** A container keeps to what it was given. */
export const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } };

/** A pod may run on steering hosts, too. */
export const tolerations = [{ key: "peak/role", operator: "Exists" }];

/** A pod runs in the network of a host, so that its addresses last as long as the host's. */
export const inNetworkOf = (host: Host) => ({ hostNetwork: true, nodeSelector: { "kubernetes.io/hostname": host.name }, tolerations });
