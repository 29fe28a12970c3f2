import type { KubernetesObject } from "@kubernetes/client-node";
import { Inventory, type Changes } from "../domains/inventory.ts";
import type { Kind } from "../kubernetes/facts.ts";
import { KINDS } from "../kubernetes/kinds.ts";
import type { Domain } from "../model/domain.ts";
import { showName } from "../model/names.ts";
import { formatIpv4, formatIpv6 } from "../wire/address.ts";
import { foldName, parseName, type Name } from "../wire/name.ts";

/** Objects as the API server sends them, with what tests say of them and nothing else. */

export interface MetaOptions {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds since the epoch. */
  readonly created?: number;
  /** `KIND/NAME` of the controller. */
  readonly controller?: string;
}

const metadata = (
  name: string,
  { namespace = "shop", annotations, labels, created = 0, controller }: MetaOptions,
): NonNullable<KubernetesObject["metadata"]> => ({
  ...(namespace === "" ? {} : { namespace }),
  name,
  creationTimestamp: new Date(1000 * created),
  ...(annotations ? { annotations: { ...annotations } } : {}),
  ...(labels ? { labels: { ...labels } } : {}),
  ...(controller === undefined
    ? {}
    : {
        ownerReferences: [
          { apiVersion: "apps/v1", kind: controller.split("/")[0]!, name: controller.split("/")[1]!, uid: "", controller: true },
        ],
      }),
});

/** Any object whose specification does not matter. */
export const plain = (name: string, options: MetaOptions = {}, rest: object = {}): KubernetesObject => ({
  metadata: metadata(name, options),
  ...rest,
});

export interface PodOptions extends MetaOptions {
  readonly ip?: string;
  /** Of the other family. */
  readonly ip4?: string;
  readonly ready?: boolean;
  readonly terminating?: boolean;
  readonly node?: string;
  /** Containers' ports, by name; `-N` for one without. */
  readonly ports?: Readonly<Record<string, number>>;
}

export const pod = (name: string, options: PodOptions = {}): KubernetesObject => {
  const { ip, ip4, ready = true, terminating = false, node, ports = {} } = options;
  const declared = Object.entries(ports).map(([key, containerPort]) => ({ ...(key.startsWith("-") ? {} : { name: key }), containerPort }));
  return {
    metadata: { ...metadata(name, options), ...(terminating ? { deletionTimestamp: new Date(0) } : {}) },
    spec: { ...(node === undefined ? {} : { nodeName: node }), containers: [{ ports: declared }] },
    status: { podIPs: [ip, ip4].flatMap((address) => (address === undefined ? [] : [{ ip: address }])), conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  } as KubernetesObject;
};

export const node = (name: string, ready: "True" | "False" | "Unknown"): KubernetesObject =>
  plain(name, { namespace: "" }, { status: { conditions: [{ type: "Ready", status: ready }] } });

export const workload = (name: string, options: MetaOptions = {}, template: MetaOptions = {}): KubernetesObject =>
  plain(name, options, { spec: { template: { metadata: { annotations: template.annotations, labels: template.labels } } } });

export const service = (name: string, spec: object, options: MetaOptions = {}, balancers: readonly object[] = []): KubernetesObject =>
  plain(name, options, { spec, status: { loadBalancer: { ingress: balancers } } });

/** A slice of a Service whose endpoints are pods, `NAME=ADDRESS`. */
export const slice = (
  name: string,
  serviceName: string,
  ports: readonly object[],
  endpoints: Readonly<Record<string, string>>,
  conditions: object = {},
): KubernetesObject =>
  plain(
    name,
    { labels: { "kubernetes.io/service-name": serviceName } },
    {
      addressType: "IPv6",
      ports,
      endpoints: Object.entries(endpoints).map(([podName, address]) => ({
        addresses: [address],
        conditions,
        targetRef: { kind: "Pod", name: podName },
      })),
    },
  );

export interface RuleOptions {
  readonly host?: string;
  /** Default: `/` to port 80 of the Service `web`. */
  readonly paths?: readonly {
    readonly path?: string;
    readonly pathType?: string;
    readonly service?: string;
    readonly port?: string | number;
  }[];
}

export const ingress = (name: string, rules: readonly RuleOptions[], options: MetaOptions = {}, spec: object = {}): KubernetesObject =>
  plain(name, options, {
    spec: {
      ingressClassName: "peak",
      rules: rules.map(({ host, paths = [{}] }) => ({
        ...(host === undefined ? {} : { host }),
        http: {
          paths: paths.map(({ path = "/", pathType = "Prefix", service: backend = "web", port = 80 }) => ({
            path,
            pathType,
            backend: { service: { name: backend, port: typeof port === "number" ? { number: port } : { name: port } } },
          })),
        },
      })),
      ...spec,
    },
  });

export const ZONE: Name = foldName(parseName("peak"));

/** An inventory that takes objects as the API server sends them. */
export class TestInventory {
  readonly inventory = new Inventory({ zone: ZONE, ingressClass: "peak", nameServers: new Set([foldName(parseName("ns1.cluster.peak"))]) });
  readonly domains = new Map<string, Domain>();

  apply<K extends Kind>(kind: K, object: KubernetesObject): this {
    const { namespace = "", name } = object.metadata!;
    const identified = { ...object, metadata: { ...object.metadata, uid: `${kind}-${namespace}-${name}` } };
    this.inventory.set(kind, `${namespace}/${name}`, KINDS[kind].parse(identified));
    return this;
  }

  remove(kind: Kind, namespace: string, name: string): this {
    this.inventory.set(kind, `${namespace}/${name}`, undefined);
    return this;
  }

  flush(): Changes {
    const changes = this.inventory.flush();
    for (const [name, domain] of changes.domains) {
      if (domain) this.domains.set(showName(name), domain);
      else this.domains.delete(showName(name));
    }
    return changes;
  }

  /** Addresses of the ready targets of a name, or its alias; undefined where there is no such domain. */
  answer(name: string): string[] | string | undefined {
    this.flush();
    const domain = this.domains.get(name);
    if (!domain) return undefined;
    if (domain.alias) return showName(domain.alias);
    return domain.targets
      .filter(({ state }) => state === "ready")
      .flatMap(({ ipv6, ipv4 }) => [...(ipv6 ? [formatIpv6(ipv6)] : []), ...(ipv4 ? [formatIpv4(ipv4)] : [])])
      .sort();
  }

  /** What is wrong now: `KIND NAME: MESSAGE`. */
  faults(): string[] {
    this.flush();
    return Array.from(this.inventory.faults.values(), ({ object, message }) => `${object.kind} ${object.name}: ${message}`).sort();
  }
}
