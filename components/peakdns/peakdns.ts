import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { serviceAccount } from "../kubernetes/account.ts";
import type { Host } from "../node/host.ts";
import { generationName, type Generations } from "../pki/generations.ts";
import { clusterConfig, primaryConfig, rootName, secondaryConfig, serverName, type Keys, type NameServer } from "./configuration.ts";
import { rules } from "./permissions.ts";
import { Server, type Place } from "./server.ts";

export interface PeakDnsArgs {
  /** The image of dns-server. */
  image: pulumi.Input<string>;
  /** The zone, with its final dot. */
  zone: string;
  /** Hosts of the root servers, the primary's first, and where they answer; empty on a cluster whose hosts are not ours. */
  roots: { host: Host; addresses: string[] }[];
  /** Hosts of the cluster's servers; empty likewise. */
  clusterHosts: Host[];
  /** URL of Prometheus, for steering. */
  prometheus: pulumi.Input<string>;
  /** Of the keys that sign updates and transfers. */
  generations: Generations;
}

/** The DNS tree: root servers that refer to clusters, and a cluster's servers, which register the names of their pods with the root. */
export class PeakDns extends pulumi.ComponentResource {
  /** Where resolvers start: addresses of the root servers, the published one of each, the primary's first. */
  readonly rootAddresses: pulumi.Output<string[]>;
  /** Where they are referred to. */
  readonly clusterAddresses: pulumi.Output<string[]>;

  constructor(name: string, { image, zone, roots, clusterHosts, prometheus, generations }: PeakDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:peakdns:PeakDns", name, {}, opts);
    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this, protect: true }).metadata.name;
    const common = { namespace, image };
    const [transferKeys, clusterKeys] = [this.#keys(`${name}-transfer`, generations), this.#keys(`${name}-cluster`, generations)];

    const rootPlaces = this.#places(`${name}-root`, namespace, roots.map(({ host, addresses }, index) =>
      ({ host, addresses, nameServer: rootName(index + 1, zone), metricsPort: 9154 })), rootName(1, zone));
    const clusterPlaces = this.#places(`${name}-cluster`, namespace, clusterHosts.map((host) =>
      ({ host, addresses: addressesOf(host), nameServer: serverName(host.name, zone), metricsPort: 9153 })), serverName("cluster", zone));
    const rootServers = pulumi.all(rootPlaces.map(({ nameServer }) => nameServer));
    const clusterServers = pulumi.all(clusterPlaces.map(({ nameServer }) => nameServer));
    const primary = rootPlaces[0]!.nameServer;

    // One after another: when all are replaced, the others answer meanwhile. Nobody waits for one whose host does not answer.
    let previous: Server[] = [];
    const serve = (place: Place, args: Omit<ConstructorParameters<typeof Server>[1], "namespace" | "image" | "place">) => {
      const { host } = place;
      const server = new Server(place.name, { ...common, place, ...args }, { parent: this, dependsOn: [...previous, ...(host ? [host.resource] : [])] });
      if (host?.answers !== false) previous = [server];
    };
    for (const [index, place] of rootPlaces.entries()) {
      serve(place, {
        state: "64Mi",
        config: pulumi.all([rootServers, clusterServers, transferKeys, clusterKeys, primary]).apply(([servers, own, transferKeys, keys, primary]) =>
          index === 0
            ? primaryConfig({ zone, servers, transferKeys, clusters: [{ keys, servers: own }] })
            : secondaryConfig({ zone, primary, transferKeys })),
      });
    }
    const serviceAccount = this.#controller(name, namespace);
    for (const place of clusterPlaces) {
      serve(place, {
        serviceAccount,
        config: pulumi.all([clusterServers, place.nameServer, primary, clusterKeys, prometheus]).apply(([servers, own, primary, [key], prometheus]) =>
          clusterConfig({ zone, own: own.name, servers, primary, key, prometheus })),
      });
    }

    const published = (servers: pulumi.Output<NameServer[]>) => servers.apply((servers) => servers.map(({ addresses }) => addresses[0] ?? ""));
    this.rootAddresses = published(rootServers);
    this.clusterAddresses = published(clusterServers);
    this.registerOutputs({ rootAddresses: this.rootAddresses, clusterAddresses: this.clusterAddresses });
  }

  /** A TSIG key in all its generations; the secrets are the stack's. */
  #keys(name: string, generations: Generations): pulumi.Output<Keys> {
    return pulumi.all(generations.map((generation) => {
      // Not RandomBytes: its id is the value, and ids stand in the state in plain text. 43 letters and digits have 256 bits.
      const { result } = new random.RandomPassword(generationName(`${name}-key`, generation), { length: 43, special: false }, { parent: this });
      return result.apply((text) => ({ name: `${generationName(name, generation)}.`, secret: Buffer.from(text).toString("base64") }));
    })).apply((keys) => keys as unknown as Keys);
  }

  /** A place on each of our hosts; where there is none, a single one behind a Service, with the name `alone`. */
  #places(
    name: string,
    namespace: pulumi.Output<string>,
    hosts: { host: Host; addresses: string[]; nameServer: string; metricsPort: number }[],
    alone: string,
  ): Place[] {
    if (hosts.length > 0) {
      return hosts.map(({ host, addresses, nameServer, metricsPort }) =>
        ({ name: `${name}-${host.name}`, host, metricsPort, nameServer: pulumi.output({ name: nameServer, addresses }) }));
    }
    const service = new k8s.core.v1.Service(name, {
      // Its pods are told its address: they come after it, so it cannot wait for them.
      metadata: { namespace, annotations: { "pulumi.com/skipAwait": "true" } },
      spec: { selector: { app: name }, ports: [{ name: "dns", port: 53, protocol: "UDP" }, { name: "dns-tcp", port: 53, protocol: "TCP" }] },
    }, { parent: this });
    const nameServer = service.spec.clusterIP.apply((address) => ({ name: alone, addresses: [address] }));
    return [{ name, host: undefined, metricsPort: 9153, nameServer }];
  }

  /** The account under which a cluster's servers watch its objects, and say what became of them. */
  #controller(name: string, namespace: pulumi.Output<string>): pulumi.Output<string> {
    new k8s.networking.v1.IngressClass(name, { metadata: { name: "peak" }, spec: { controller: "dns.peak/ingress" } }, { parent: this });
    return serviceAccount(name, namespace, rules, { parent: this });
  }
}

function addressesOf({ global, ula }: Host): string[] {
  return global === undefined ? [ula] : [global, ula];
}
