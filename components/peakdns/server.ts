import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { confined, inNetworkOf, unprivileged } from "../kubernetes/pod.ts";
import { Volume } from "../kubernetes/volume.ts";
import type { Host } from "../node/host.ts";
import { waiting } from "../waiting.ts";
import { stateDirectory, type NameServer } from "./configuration.ts";

/** Where a server runs and answers. */
export interface Place {
  /** Name of the server and what belongs to it, unique in the cluster. */
  name: string;
  /** The host in whose network it runs; without one, it is behind a Service address of the cluster. */
  host: Host | undefined;
  /** What it is as a name server. Where it runs in the network of a host, its addresses are that host's. */
  nameServer: pulumi.Output<NameServer>;
  /** TCP port of `/metrics` and of probes, on the host's address inside the cluster. */
  metricsPort: number;
}

export interface ServerArgs {
  namespace: pulumi.Input<string>;
  /** The image of dns-server. */
  image: pulumi.Input<string>;
  place: Place;
  /** PeakDNS's configuration but for where it listens (docs/peakdns.md); may be secret. */
  config: pulumi.Input<Record<string, unknown>>;
  /** For the cluster role, which watches objects. */
  serviceAccount?: pulumi.Input<string>;
  /** Size of what the server keeps beyond its life. Default: nothing. */
  state?: string;
}

const port = 53;

/** One PeakDNS server: a Deployment of one pod, in the network of its host, so that its addresses last as long as the host's. */
export class Server extends pulumi.ComponentResource {
  constructor(name: string, args: ServerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:peakdns:Server", name, {}, own);
    const { namespace, image, place, serviceAccount, state } = args;
    const { host, metricsPort } = place;
    const labels = { app: name };

    const listen = host ? place.nameServer.apply(({ addresses }) => addresses.map((address) => `[${address}]:${port}`)) : [`[::]:${port}`];
    const http = `[${host?.ula ?? "::"}]:${metricsPort}`;
    // Every server has a key of somebody's, so the whole configuration is a secret.
    const config = new k8s.core.v1.Secret(name, {
      metadata: { namespace },
      stringData: {
        "config.yaml": pulumi.secret(pulumi.all([args.config, listen]).apply(([config, listen]) =>
          JSON.stringify({ ...config, listen, http, control: "/run/peakdns/control.sock", refusals: `${stateDirectory}/refusals` }, undefined, 2))),
      },
    }, { parent: this, dependsOn });
    const volume = state === undefined ? undefined : new Volume(name, { namespace, host, size: state }, { parent: this });
    const probe = (path: string) => ({ httpGet: { port: metricsPort, path, ...(host && { host: host.ula }) } });

    new k8s.apps.v1.Deployment(name, {
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        strategy: { type: "Recreate" }, // two pods cannot hold one port of a host, nor one journal
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": `${metricsPort}` } },
          spec: {
            ...(host && inNetworkOf(host)),
            dnsPolicy: "Default",
            enableServiceLinks: false,
            ...(serviceAccount ? { serviceAccountName: serviceAccount } : { automountServiceAccountToken: false }),
            priorityClassName: "system-cluster-critical",
            terminationGracePeriodSeconds: 5,
            securityContext: {
              ...unprivileged,
              fsGroup: unprivileged.runAsGroup,
              ...(!host && { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] }),
            },
            containers: [{
              name: "peakdns",
              image,
              // No `ports`: in the network of a host they would be reserved on all of its addresses, and two servers share some hosts.
              startupProbe: { ...probe("/healthz"), periodSeconds: 1, failureThreshold: 60 },
              readinessProbe: { ...probe("/readyz"), periodSeconds: 2 },
              livenessProbe: { ...probe("/healthz"), periodSeconds: 5, failureThreshold: 3 },
              resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "2", memory: "384Mi" } },
              securityContext: confined,
              volumeMounts: [
                { name: "config", mountPath: "/etc/peakdns", readOnly: true },
                { name: "control", mountPath: "/run/peakdns" },
                { name: "state", mountPath: stateDirectory },
              ],
            }],
            volumes: [
              { name: "config", secret: { secretName: config.metadata.name, defaultMode: 0o440 } },
              { name: "control", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
              // What is not worth a volume still outlives the container, and nobody replaces a pod while the Kubernetes API is away.
              { name: "state", ...(volume ? { persistentVolumeClaim: { claimName: volume.claim } } : { emptyDir: { sizeLimit: "64Mi" } }) },
            ],
          },
        },
      },
    }, { parent: this, dependsOn });
    this.registerOutputs({});
  }
}
