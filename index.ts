import * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterAccess } from "./components/cluster/cluster.ts";
import { ExistingCluster } from "./components/cluster/existing-cluster.ts";
import { ownFields } from "./components/cluster/field-manager.ts";
import { parseSettings } from "./components/config.ts";
import { Echo } from "./components/experiment/echo.ts";
import { Image } from "./components/images/image.ts";
import { within } from "./components/lifetime.ts";
import { planAddresses, publishedAddress } from "./components/network/delegation.ts";
import { Machines } from "./components/node/machines.ts";
import { serverName } from "./components/peakdns/delegation.ts";
import { PeakDns } from "./components/peakdns/peakdns.ts";
import { loadInventory, withNodeCount } from "./hardware/inventory.ts";

/** How many servers of a cluster the root refers resolvers to. */
const clusterServers = 2;

/** The whole stack, from its configuration to its outputs (docs/status.md). */
export default async function peak() {
  const settings = parseSettings(new pulumi.Config("peak"));
  const { zone, baseImage, kubeContext } = settings;
  const inventory = withNodeCount(loadInventory(settings.inventory), settings.nodes);
  const plan = planAddresses(settings.ulaPrefix, settings.globalPrefix);

  const rootServers = inventory.hosts.filter((host) => host.role === "steering")
    .map((host) => ({ name: serverName(host.name, zone), address: publishedAddress(plan.node(host.number)) }));

  const machines = new Machines("machines", { inventory, plan, zone, rootServers });
  const { nodes, lifetime } = machines;

  const cluster: ClusterAccess = kubeContext === undefined
    ? new Cluster("cluster", { hosts: nodes, plan, zone, rootServers, baseImage }, { transformations: [within(lifetime)] })
    : new ExistingCluster("cluster", { context: kubeContext });

  const image = (name: string, entry: string) => new Image(`${name}-image`, {
    name, source: { entry }, arch: machines.arch, base: baseImage, registry: cluster.registry,
  }, { dependsOn: [...machines.tools, ...cluster.registryReady] });
  const inside = { provider: cluster.provider, transformations: [ownFields, within(lifetime)] };

  const domains = ["echo"];
  const dns = new PeakDns("peakdns", {
    image: image("peakdns", "dns-server/main.ts").ref,
    zone,
    rootHosts: nodes.filter((host) => host.role === "steering"),
    clusterHosts: nodes.filter((host) => host.role === "service").slice(0, clusterServers),
    domains,
  }, inside);
  new Echo("echo", { image: image("echo", "services/echo/main.ts").ref, replicas: settings.echoReplicas, domain: "echo" }, inside);

  const server = (address: string) => ({ address, port: 53 });
  return {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(kubeContext !== undefined && { kubeContext }),
    nodes: nodes.map(({ name, role, number, ula, global }) => ({ name, role, number, ula, global })),
    clients: machines.clients,
    ssh: {
      user: "root",
      privateKey: machines.operatorKey.private,
      hostKeys: Object.fromEntries(nodes.map((host) => [host.name, host.hostKey.public])),
    },
    rootDns: dns.rootAddresses.apply((addresses) => server(addresses[0]!)),
    clusterDns: dns.clusterAddresses.apply((addresses) => addresses.map(server)),
    names: domains.map((domain) => `${domain}.${zone}`),
    services: Object.fromEntries(domains.map((domain) => [domain, `http://${domain}.${zone.slice(0, -1)}/`])),
  };
}
