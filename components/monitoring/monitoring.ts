import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { serviceAccount } from "../kubernetes/account.ts";
import { confined, inNetworkOf, unprivileged } from "../kubernetes/pod.ts";
import type { Host } from "../node/host.ts";
import { renderPrometheus } from "./scrape.ts";

export interface MonitoringArgs {
  /** Prometheus's image. */
  image: pulumi.Input<string>;
  /** The host whose address it answers on, to nodes and pods only; without one, a Service address inside the cluster. */
  host: Host | undefined;
  /** Changes with the cluster's authorities, which its pods read when they start. */
  trust: pulumi.Input<string>;
}

const port = 9090;

/** What Prometheus needs to find its targets and to ask kubelets. */
const rules = [
  { apiGroups: [""], resources: ["nodes", "pods"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
];

/** Prometheus, with what steering and dashboards ask for: metrics of pods that offer them, and of all containers. */
export class Monitoring extends pulumi.ComponentResource {
  /** Of Prometheus's HTTP API. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, { image, host, trust }: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:monitoring:Monitoring", name, {}, opts);
    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this, protect: true }).metadata.name;
    const app = `${name}-prometheus`;
    const labels = { app };
    const service = host ? undefined : new k8s.core.v1.Service(app, {
      metadata: { namespace },
      spec: { selector: labels, ports: [{ name: "http", port }] },
    }, { parent: this });
    // A preview without a cluster has no Service address: undefined, whatever the types say.
    const address: pulumi.Output<string | undefined> = service ? service.spec.clusterIP : pulumi.output(host!.ula);
    this.url = address.apply((address) => `http://${address?.includes(":") ? `[${address}]` : address}:${port}`);

    const config = new k8s.core.v1.ConfigMap(app, { metadata: { namespace }, data: { "prometheus.yml": renderPrometheus() } }, { parent: this });
    const probe = (path: string) => ({ httpGet: { port, path, ...(host && { host: host.ula }) } });
    new k8s.apps.v1.Deployment(app, {
      metadata: { namespace, name: "prometheus" },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" }, // two pods cannot hold one port of a host
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: { "peak/trust": trust } },
          spec: {
            ...(host && inNetworkOf(host)),
            dnsPolicy: "Default",
            enableServiceLinks: false,
            serviceAccountName: serviceAccount(app, namespace, rules, { parent: this }),
            terminationGracePeriodSeconds: 10,
            securityContext: { ...unprivileged, fsGroup: unprivileged.runAsGroup },
            containers: [{
              name: "prometheus",
              image,
              args: [
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/var/lib/prometheus",
                "--storage.tsdb.retention.time=2h",
                `--web.listen-address=${host ? `[${host.ula}]` : "[::]"}:${port}`,
                "--log.level=warn",
              ],
              env: [{ name: "GOMEMLIMIT", value: "160MiB" }],
              ports: [{ name: "http", containerPort: port }],
              startupProbe: { ...probe("/-/ready"), periodSeconds: 1, failureThreshold: 60 },
              readinessProbe: { ...probe("/-/ready"), periodSeconds: 5 },
              livenessProbe: { ...probe("/-/healthy"), periodSeconds: 10 },
              resources: { requests: { cpu: "50m", memory: "96Mi" }, limits: { cpu: "1", memory: "256Mi" } },
              securityContext: confined,
              volumeMounts: [
                { name: "config", mountPath: "/etc/prometheus", readOnly: true },
                { name: "data", mountPath: "/var/lib/prometheus" },
              ],
            }],
            volumes: [
              { name: "config", configMap: { name: config.metadata.name } },
              { name: "data", emptyDir: { sizeLimit: "1Gi" } },
            ],
          },
        },
      },
    }, { parent: this });
    this.registerOutputs({ url: this.url });
  }
}
