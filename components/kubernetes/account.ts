import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/**
 * A service account that may do some things in all namespaces.
 * @param rules those of its ClusterRole
 * @returns its name
 */
export function serviceAccount(
  name: string,
  namespace: pulumi.Input<string>,
  rules: pulumi.Input<k8s.types.input.rbac.v1.PolicyRule>[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const account = new k8s.core.v1.ServiceAccount(name, { metadata: { namespace } }, opts);
  const role = new k8s.rbac.v1.ClusterRole(name, { rules }, opts);
  new k8s.rbac.v1.ClusterRoleBinding(name, {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
    subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
  }, opts);
  return account.metadata.name;
}
