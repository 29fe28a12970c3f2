import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAccount } from "../kubernetes/account.ts";
import { confined, tolerations, unprivileged } from "../kubernetes/pod.ts";

export interface ClusterDnsArgs {
  /** CoreDNS's image. */
  image: pulumi.Input<string>;
  /** The address of its Service, which kubelet writes into pods' resolv.conf. */
  address: string;
  /** The zone whose names lead to pods, with its final dot. */
  zone: string;
  /** A recursive resolver that starts at the zone's root server: `[address]:port`. */
  resolver: string;
  /** Changes with the cluster's authorities, which its pods read when they start. */
  trust: pulumi.Input<string>;
}

const labels = { app: "coredns" };
const port = 1053;

/** CoreDNS: the names of the cluster itself (`cluster.local`), and for its pods the way to the zone's names. */
export class ClusterDns extends pulumi.ComponentResource {
  constructor(name: string, { image, address, zone, resolver, trust }: ClusterDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:cluster:ClusterDns", name, {}, opts);
    const inSystem = (metadata: object = {}) => ({ namespace: "kube-system", ...metadata });
    const account = serviceAccount(name, "kube-system", [
      { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ], { parent: this });
    const config = new k8s.core.v1.ConfigMap(name, { metadata: inSystem(), data: { Corefile: renderCorefile(zone, resolver) } }, { parent: this });

    new k8s.apps.v1.Deployment(name, {
      metadata: inSystem(),
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: { "peak/trust": trust } },
          spec: {
            serviceAccountName: account,
            priorityClassName: "system-cluster-critical",
            tolerations,
            securityContext: unprivileged,
            dnsPolicy: "Default",
            containers: [{
              name: "coredns",
              image,
              ports: [{ name: "dns", containerPort: port, protocol: "UDP" }, { name: "dns-tcp", containerPort: port, protocol: "TCP" }],
              readinessProbe: { tcpSocket: { port }, periodSeconds: 2 },
              livenessProbe: { tcpSocket: { port }, periodSeconds: 10, failureThreshold: 5 },
              resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { cpu: "1", memory: "170Mi" } },
              securityContext: confined,
              volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
            }],
            volumes: [{ name: "config", configMap: { name: config.metadata.name } }],
          },
        },
      },
    }, { parent: this });
    new k8s.core.v1.Service(name, {
      metadata: inSystem({ name: "kube-dns" }),
      spec: {
        selector: labels,
        clusterIP: address,
        ports: [
          { name: "dns", port: 53, targetPort: port, protocol: "UDP" },
          { name: "dns-tcp", port: 53, targetPort: port, protocol: "TCP" },
        ],
      },
    }, { parent: this });
    this.registerOutputs({});
  }
}

/** CoreDNS's configuration. Pure. */
export function renderCorefile(zone: string, resolver: string): string {
  return `cluster.local:${port} ip6.arpa:${port} {
    errors
    kubernetes cluster.local ip6.arpa {
        pods disabled
        fallthrough ip6.arpa
    }
    loadbalance
}

${zone}:${port} {
    errors
    forward . ${resolver}
}
`;
}
