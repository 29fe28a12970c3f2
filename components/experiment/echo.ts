import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { confined, unprivileged } from "../kubernetes/pod.ts";

export interface EchoArgs {
  /** The image of services/echo. */
  image: pulumi.Input<string>;
  /** Pods. */
  replicas: number;
  /** The name below the zone that leads to the pods, e.g. `echo`. */
  domain: string;
}

const scraped = { "prometheus.io/scrape": "true", "prometheus.io/port": "80" };

/** A pod that uses much more CPU time than the others leaves the answer until it does no more. A fifth of a core is no load yet. */
const steering = {
  "dns.peak/loadbalance": 'clamp_min(rate(process_cpu_seconds_total{namespace="%namespace%", pod=~"%pods%"}[8s]), 0.2)',
  "dns.peak/loadbalance-mode": "excludeoverloaded",
};

/** The synthetic micro-service of the experiments: pods that DNS leads to directly, without a Kubernetes Service. */
export class Echo extends pulumi.ComponentResource {
  constructor(name: string, { image, replicas, domain }: EchoArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:experiment:Echo", name, {}, opts);
    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this });
    const labels = { app: name };
    const fromPod = (variable: string, fieldPath: string) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } });

    new k8s.apps.v1.Deployment(name, {
      metadata: { namespace: namespace.metadata.name, name, annotations: steering },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: { ...labels, "dns.peak/domain": domain }, annotations: scraped },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            // A withdrawn pod serves on until no client can still hold its address; then it ends by itself.
            terminationGracePeriodSeconds: 75,
            topologySpreadConstraints: [{
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: labels },
              matchLabelKeys: ["pod-template-hash"], // the pods that a rollout replaces do not count
            }],
            securityContext: {
              ...unprivileged,
              // DNS answers carry no port: the service listens on the standard one, as a user without privileges.
              sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
            },
            containers: [{
              name,
              image,
              ports: [{ name: "http", containerPort: 80 }],
              env: [fromPod("POD_NAME", "metadata.name"), fromPod("NODE_NAME", "spec.nodeName"), fromPod("POD_IPS", "status.podIPs")],
              readinessProbe: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1, failureThreshold: 2 },
              livenessProbe: { httpGet: { path: "/livez", port: "http" }, periodSeconds: 5, failureThreshold: 6 },
              resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } },
              securityContext: confined,
            }],
          },
        },
      },
    }, { parent: this });
    this.registerOutputs({});
  }
}
