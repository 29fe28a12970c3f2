const watch = ["list", "watch"];

/** What a cluster's servers may do, and no more (docs/peakdns.md): watch what names and steering follow from, and answer it. */
export const rules = [
  { apiGroups: [""], resources: ["configmaps", "namespaces", "nodes", "pods", "services"], verbs: watch },
  { apiGroups: ["apps"], resources: ["daemonsets", "deployments", "replicasets", "statefulsets"], verbs: watch },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: watch },
  { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses", "ingresses"], verbs: watch },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["patch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
];
