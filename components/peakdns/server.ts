import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";

export interface ServerArgs {
  namespace: pulumi.Input<string>;
  /** The image of dns-server. */
  image: pulumi.Input<string>;
  /** PeakDNS's configuration but for where it listens (dns-server/README.md). */
  config: pulumi.Input<Record<string, unknown>>;
  /** The host whose addresses the server answers on, port 53; without one it answers on a Service address inside the cluster. */
  host?: Host | undefined;
  /** For the cluster role, which watches pods. */
  serviceAccount?: pulumi.Input<string>;
}

const port = 53;
const http = "[::1]:9153";

/** One PeakDNS server: a Deployment of one pod, in the network of its host, so that its addresses last as long as the host's. */
export class Server extends pulumi.ComponentResource {
  /** Where it answers, the published address first. */
  readonly addresses: pulumi.Output<string[]>;

  constructor(name: string, args: ServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:peakdns:Server", name, {}, opts);
    const { namespace, image, host, serviceAccount } = args;
    const labels = { app: name };
    const own = host && [...(host.global === undefined ? [] : [host.global]), host.ula];
    const service = host ? undefined : new k8s.core.v1.Service(name, {
      metadata: { namespace },
      spec: {
        selector: labels,
        ports: [{ name: "dns", port, protocol: "UDP" }, { name: "dns-tcp", port, protocol: "TCP" }],
      },
    }, { parent: this });
    this.addresses = pulumi.output(service ? service.spec.clusterIP.apply((address) => [address]) : own!);

    const listen = own ? own.map((address) => `[${address}]:${port}`) : [`[::]:${port}`];
    const configMap = new k8s.core.v1.ConfigMap(name, {
      metadata: { namespace },
      data: { "config.yaml": pulumi.output(args.config).apply((config) => JSON.stringify({ ...config, listen, http }, undefined, 2)) },
    }, { parent: this });
    const probe = (path: string) => ({ httpGet: { host: "::1", port: 9153, path } });

    new k8s.apps.v1.Deployment(name, {
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" }, // two pods cannot hold one port of a host
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            ...(host && {
              hostNetwork: true,
              nodeSelector: { "kubernetes.io/hostname": host.name },
              tolerations: [{ key: "peak/role", operator: "Exists" }],
            }),
            dnsPolicy: "Default",
            enableServiceLinks: false,
            ...(serviceAccount ? { serviceAccountName: serviceAccount } : { automountServiceAccountToken: false }),
            priorityClassName: "system-cluster-critical",
            terminationGracePeriodSeconds: 5,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 65532,
              runAsGroup: 65532,
              seccompProfile: { type: "RuntimeDefault" },
              ...(!host && { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] }),
            },
            containers: [{
              name: "peakdns",
              image,
              ports: [{ name: "dns", containerPort: port, protocol: "UDP" }, { name: "dns-tcp", containerPort: port, protocol: "TCP" }],
              ...(host && {
                startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 60 },
                readinessProbe: { ...probe("/readyz"), periodSeconds: 2 },
                livenessProbe: { ...probe("/healthz"), periodSeconds: 5, failureThreshold: 3 },
              }),
              resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "2", memory: "384Mi" } },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
              volumeMounts: [{ name: "config", mountPath: "/etc/peakdns", readOnly: true }],
            }],
            volumes: [{ name: "config", configMap: { name: configMap.metadata.name } }],
          },
        },
      },
    }, { parent: this });
    this.registerOutputs({ addresses: this.addresses });
  }
}
