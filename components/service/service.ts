import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { confined, unprivileged } from "../kubernetes/pod.ts";

/** How DNS chooses among the pods of a name by their loads (docs/peakdns.md, "Annotations"). */
export interface Steering {
  /** PromQL whose value is a pod's load, in any unit, with the placeholders of `dns.peak/loadbalance`. */
  query: string;
  /** All pods but those above the threshold, all but the most loaded third, or the one with the lowest load. Default: `excludeoverloaded`. */
  mode?: "excludeoverloaded" | "leastloaded" | "singlebest";
  /** A factor of the average load, e.g. `1.5`, or a load, e.g. `absolute:0.8`. Default: PeakDNS's own. */
  threshold?: string;
}

export interface ServiceArgs {
  /** The image of the folder under `services/`. */
  image: pulumi.Input<string>;
  /** The zone that names are in, with its final dot. */
  zone: string;
  /** The name below the zone that leads to the pods, e.g. `echo`. Without one, DNS leads nobody to them: they are workers. */
  domain?: string;
  /** Pods. */
  replicas: pulumi.Input<number>;
  /** Default: every pod that is ready is given, whatever its load is. */
  steering?: Steering;
  /** Environment variables, by name, besides those that tell a pod which one it is (services/shared/environment.ts). Default: none. */
  environment?: Record<string, pulumi.Input<string>>;
  /** Environment variables whose values are kept in a Secret. Pods are replaced when one changes. Default: none. */
  secrets?: Record<string, pulumi.Input<string>>;
  /** TCP port of the service, its probes and metrics. Default: 80, for DNS answers carry no port. */
  port?: number;
  /** Each in place of what services/shared answers: ready at `/healthz`, alive at `/livez`. */
  probes?: { readiness?: k8s.types.input.core.v1.Probe; liveness?: k8s.types.input.core.v1.Probe };
  /** Of each pod. Default: what a small Node service takes, up to one core and 256 MiB. */
  resources?: { requests: Bounds; limits: Bounds };
}

type Bounds = Record<"cpu" | "memory", string>;

/** Where clients find a service. */
export interface Endpoint {
  /** Of the service. */
  name: string;
  /** The name that leads to its pods, with its final dot. */
  hostname: string;
  url: string;
}

const fromPod = { POD_NAME: "metadata.name", NODE_NAME: "spec.nodeName", POD_IPS: "status.podIPs" };

const defaultProbes = {
  readiness: { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 1, failureThreshold: 2 },
  liveness: { httpGet: { path: "/livez", port: "http" }, periodSeconds: 5, failureThreshold: 6 },
};

const defaultResources = { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

/** A micro-service in a namespace of its own: pods that DNS leads to directly, without a Kubernetes Service. */
export class Service extends pulumi.ComponentResource {
  /** Undefined for workers. */
  readonly endpoint: Endpoint | undefined;

  /** @throws Error when an environment variable is given twice */
  constructor(name: string, args: ServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // Echo, the first of them, was a component of its own.
    super("peak:service:Service", name, {}, pulumi.mergeOptions({ aliases: [{ type: "peak:experiment:Echo" }] }, opts));
    const { image, zone, domain, replicas, steering, environment = {}, secrets = {}, port = 80 } = args;
    const { probes = {}, resources = defaultResources } = args;
    refuseDoubles(name, [fromPod, environment, secrets].flatMap(Object.keys));

    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this });
    const labels = { app: name };
    new k8s.apps.v1.Deployment(name, {
      metadata: { namespace: namespace.metadata.name, name, ...(steering && { annotations: annotationsOf(steering) }) },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: {
            labels: { ...labels, ...(domain !== undefined && { "dns.peak/domain": domain }) },
            annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": `${port}` },
          },
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
              // The standard port is below 1024, and is listened on by a user without privileges.
              sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }],
            },
            containers: [{
              name,
              image,
              ports: [{ name: "http", containerPort: port }],
              env: [
                ...Object.entries(fromPod).map(([variable, fieldPath]) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } })),
                ...Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
                ...this.#fromSecret(name, namespace.metadata.name, secrets),
              ],
              readinessProbe: probes.readiness ?? defaultProbes.readiness,
              livenessProbe: probes.liveness ?? defaultProbes.liveness,
              resources,
              securityContext: confined,
            }],
          },
        },
      },
    }, { parent: this });

    const host = `${domain}.${zone.slice(0, -1)}`;
    this.endpoint = domain === undefined ? undefined : { name, hostname: `${host}.`, url: `http://${host}${port === 80 ? "" : `:${port}`}/` };
    this.registerOutputs({});
  }

  /** Variables whose values are in a Secret. It has another name after each change, so that its pods are others, too. */
  #fromSecret(name: string, namespace: pulumi.Input<string>, secrets: Record<string, pulumi.Input<string>>): k8s.types.input.core.v1.EnvVar[] {
    if (Object.keys(secrets).length === 0) return [];
    const stringData = Object.fromEntries(Object.entries(secrets).map(([key, value]) => [key, pulumi.secret(value)]));
    const secret = new k8s.core.v1.Secret(name, { metadata: { namespace }, immutable: true, stringData }, { parent: this });
    return Object.keys(secrets).map((key) => ({ name: key, valueFrom: { secretKeyRef: { name: secret.metadata.name, key } } }));
  }
}

function annotationsOf({ query, mode = "excludeoverloaded", threshold }: Steering): Record<string, string> {
  return {
    "dns.peak/loadbalance": query,
    "dns.peak/loadbalance-mode": mode,
    ...(threshold !== undefined && { "dns.peak/overload-threshold": threshold }),
  };
}

function refuseDoubles(service: string, variables: string[]): void {
  const double = variables.find((variable, index) => variables.indexOf(variable) !== index);
  if (double !== undefined) throw new Error(`service ${service}: the environment variable ${double} is given twice`);
}
