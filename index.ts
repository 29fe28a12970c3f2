import { Cluster, type ClusterAccess } from "./components/cluster/cluster.ts";
import { ExistingCluster, findCluster } from "./components/cluster/existing-cluster.ts";
import { ownFields } from "./components/kubernetes/field-manager.ts";
import { readInput } from "./components/input.ts";
import { baseImage } from "./components/images/base-image.ts";
import { Image, type ImageArgs } from "./components/images/image.ts";
import { requireImageTools } from "./components/images/tools.ts";
import { endsWith } from "./components/lifetime.ts";
import { planAddresses, publishedScope, scopes } from "./addressing/delegation.ts";
import { Testbed } from "./components/hardware/testbed.ts";
import { Monitoring } from "./components/monitoring/monitoring.ts";
import { Machines } from "./components/node/machines.ts";
import { silentHosts } from "./components/node/silent-hosts.ts";
import { pairsOf } from "./components/node/ssh-key.ts";
import { rootName } from "./components/peakdns/configuration.ts";
import { ToolchainProduct } from "./components/node/toolchain-product.ts";
import { PeakDns } from "./components/peakdns/peakdns.ts";
import { Service } from "./components/service/service.ts";
import { services } from "./components/service/services.ts";
import { nodesOf } from "./hardware/inventory.ts";

/** How many servers the root has, each on a host of its own, and how many of a cluster's it refers resolvers to. */
const rootCount = 2;
const clusterServerCount = 2;

/** The whole stack, from its configuration to its outputs (docs/status.md). */
export default async function peak() {
  const { settings, inventory } = readInput();
  const { zone, kubeContext, imageRegistry, keys } = settings;
  const found = kubeContext === undefined ? undefined : await findCluster(kubeContext, imageRegistry);
  if (inventory.kind !== "virtual") await requireImageTools(settings.baseImage);
  const plan = planAddresses(settings.ulaPrefix, settings.globalPrefix);

  const rootHosts = nodesOf(inventory).slice(0, rootCount);
  const rootServers = rootHosts.map(({ number }, index) => ({ name: rootName(index + 1, zone), address: publishedScope(plan.node(number)).rootServer }));

  const silent = await silentHosts(inventory, plan);
  const machines = new Machines("machines", { inventory, plan, zone, rootServers, silent, generations: keys.ssh });
  const { nodes } = machines;
  const arch = found?.arch ?? machines.arch;
  if (inventory.hosts.some(({ board }) => board)) {
    new Testbed("testbed", {
      inventory, plan,
      operatorKeys: machines.operatorKeys.accepted.map((key) => key.public),
      hostKeys: Object.fromEntries(machines.hosts.map(({ name, hostKeys }) => [name, pairsOf(hostKeys)])),
    });
  }

  const base = baseImage("base-image", { image: settings.baseImage, arch }, { dependsOn: machines.tools });
  const cluster: ClusterAccess = kubeContext === undefined || found === undefined
    ? new Cluster("cluster", { hosts: nodes, plan, zone, rootServers, base, keys })
    : new ExistingCluster("cluster", { context: kubeContext, imageRegistry, facts: found });

  const image = (name: string, what: Pick<ImageArgs, "source" | "files">) => new Image(`${name}-image`, {
    name, ...what, arch, base, destination: cluster.images, store: cluster.imageStore,
  }, { dependsOn: [...machines.tools, ...cluster.imagesReady] }).ref;
  const inside = { provider: cluster.provider, transformations: [ownFields, endsWith(cluster.lifetime)] };

  const prometheus = new ToolchainProduct("prometheus", { product: "prometheus", arch });
  const monitoring = new Monitoring("monitoring", {
    image: image("prometheus", {
      source: { folder: "components/monitoring/prometheus" },
      files: [{ product: prometheus, binary: "prometheus" }],
    }),
    host: nodes.find((host) => host.role === "steering"),
    trust: cluster.trust,
  }, inside);
  const dns = new PeakDns("peakdns", {
    image: image("peakdns", { source: { entry: "dns-server/main.ts" } }),
    zone,
    roots: nodes.slice(0, rootCount).map((host) => ({ host, addresses: scopes(plan.node(host.number)).map(({ rootServer }) => rootServer) })),
    clusterHosts: nodes.filter((host) => host.role === "service").slice(0, clusterServerCount),
    prometheus: monitoring.url,
    generations: keys.dns,
  }, inside);
  const endpoints = Object.entries(services(settings)).flatMap(([name, args]) =>
    new Service(name, { ...args, zone, image: image(name, { source: { entry: `services/${name}/main.ts` } }) }, inside).endpoint ?? []);

  const server = (address: string) => ({ address, port: 53 });
  return {
    ...(cluster.kubeconfig && { kubeconfig: cluster.kubeconfig }),
    ...(kubeContext !== undefined && { kubeContext }),
    certificates: cluster.certificates,
    nodes: nodes.map(({ name, role, number, ula, global }) => ({ name, role, number, ula, global })),
    clients: machines.clients,
    ssh: {
      user: "root",
      privateKey: machines.operatorKeys.used.private,
      hostKeys: Object.fromEntries(machines.hosts.map((host) => [host.name, host.hostKeys.accepted.map((key) => key.public)])),
    },
    rootDns: dns.rootAddresses.apply((addresses) => server(addresses[0]!)),
    secondaryDns: dns.rootAddresses.apply((addresses) => addresses.slice(1).map(server)),
    clusterDns: dns.clusterAddresses.apply((addresses) => addresses.map(server)),
    names: endpoints.map(({ hostname }) => hostname),
    services: Object.fromEntries(endpoints.map(({ name, url }) => [name, url])),
  };
}
