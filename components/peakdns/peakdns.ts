import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { delegate, renderZone, serverName, type NameServer } from "./delegation.ts";
import { Server } from "./server.ts";

export interface PeakDnsArgs {
  /** The image of dns-server. */
  image: pulumi.Input<string>;
  /** The zone, with its final dot. */
  zone: string;
  /** Hosts of the root servers; empty on a cluster whose hosts are not ours. */
  rootHosts: Host[];
  /** Hosts of the cluster's servers; empty likewise. */
  clusterHosts: Host[];
  /** Names below the zone that lead to pods of this cluster. */
  domains: string[];
}

/** The DNS tree: a root server that delegates the names of pods to the servers of their cluster. */
export class PeakDns extends pulumi.ComponentResource {
  /** Where resolvers start: addresses of the root servers, the published one of each. */
  readonly rootAddresses: pulumi.Output<string[]>;
  /** Where they are referred to. */
  readonly clusterAddresses: pulumi.Output<string[]>;

  constructor(name: string, { image, zone, rootHosts, clusterHosts, domains }: PeakDnsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:peakdns:PeakDns", name, {}, opts);
    const namespace = new k8s.core.v1.Namespace(name, { metadata: { name } }, { parent: this }).metadata.name;
    const serviceAccount = watcher(name, namespace, this);

    const clusterServers = places(`${name}-cluster`, clusterHosts).map(({ name, label, host }) => {
      const config = clusterConfig(zone, domains, host ? nameServers(clusterHosts, zone) : [{ name: serverName(label, zone), addresses: [] }]);
      return { label, server: new Server(name, { namespace, image, host, serviceAccount, config }, { parent: this }) };
    });
    const rootServers = places(`${name}-root`, rootHosts).map(({ name, label, host }) => {
      const servers = host ? nameServers(rootHosts, zone) : [{ name: serverName(label, zone), addresses: [] }];
      const referred = pulumi.all(clusterServers.map(({ label, server }) =>
        server.addresses.apply((addresses): NameServer => ({ name: serverName(label, zone), addresses }))));
      const config = referred.apply((servers_) => ({
        role: "root",
        zone,
        records: renderZone(zone, servers),
        delegations: delegate([{ domains, servers: servers_ }]),
      }));
      return new Server(name, { namespace, image, host, config }, { parent: this });
    });

    this.rootAddresses = first(rootServers);
    this.clusterAddresses = first(clusterServers.map(({ server }) => server));
    this.registerOutputs({ rootAddresses: this.rootAddresses, clusterAddresses: this.clusterAddresses });
  }
}

function clusterConfig(zone: string, domains: string[], nameServers: NameServer[]) {
  return { role: "cluster", zone, domains, nameServers };
}

function nameServers(hosts: Host[], zone: string): NameServer[] {
  return hosts.map((host) => ({
    name: serverName(host.name, zone),
    addresses: [...(host.global === undefined ? [] : [host.global]), host.ula],
  }));
}

/** One server a host, or a single one where the hosts are not ours. */
function places(name: string, hosts: Host[]): { name: string; label: string; host: Host | undefined }[] {
  if (hosts.length === 0) return [{ name, label: name, host: undefined }];
  return hosts.map((host) => ({ name: `${name}-${host.name}`, label: host.name, host }));
}

function first(servers: Server[]): pulumi.Output<string[]> {
  return pulumi.all(servers.map((server) => server.addresses.apply((addresses) => addresses[0] ?? "")));
}

/** The account under which a cluster's servers watch its pods. */
function watcher(name: string, namespace: pulumi.Output<string>, parent: pulumi.Resource): pulumi.Output<string> {
  const account = new k8s.core.v1.ServiceAccount(name, { metadata: { namespace } }, { parent });
  const role = new k8s.rbac.v1.ClusterRole(name, { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }] }, { parent });
  new k8s.rbac.v1.ClusterRoleBinding(name, {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role.metadata.name },
    subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
  }, { parent });
  return account.metadata.name;
}
