import { planAddresses, publishedScope } from "../../addressing/delegation.ts";
import { Cluster } from "../../components/cluster/cluster.ts";
import { baseImage } from "../../components/images/base-image.ts";
import { readInput } from "../../components/input.ts";
import { Machines } from "../../components/node/machines.ts";
import { rootName } from "../../components/peakdns/configuration.ts";
import { nodesOf } from "../../hardware/inventory.ts";

/** A program in the place of index.ts: a cluster with nothing in it, as one is that somebody else has made. */
export default async function clusterAlone() {
  const { settings, inventory } = readInput();
  const { zone, keys } = settings;
  const plan = planAddresses(settings.ulaPrefix, settings.globalPrefix);
  const [first] = nodesOf(inventory);
  const server = { address: publishedScope(plan.node(first!.number)).rootServer, port: 53 }; // nobody answers there
  const rootServers = [{ name: rootName(1, zone), address: server.address }];

  const machines = new Machines("machines", { inventory, plan, zone, rootServers, silent: {}, generations: keys.ssh });
  const base = baseImage("base-image", { image: settings.baseImage, arch: machines.arch }, { dependsOn: machines.tools });
  const cluster = new Cluster("cluster", { hosts: machines.nodes, plan, zone, rootServers, base, keys });
  return {
    kubeconfig: cluster.kubeconfig,
    certificates: cluster.certificates,
    nodes: machines.nodes.map(({ name, role, number, ula, global }) => ({ name, role, number, ula, global })),
    clients: machines.clients,
    ssh: {
      user: "root",
      privateKey: machines.operatorKeys.used.private,
      hostKeys: Object.fromEntries(machines.hosts.map((host) => [host.name, host.hostKeys.accepted.map((key) => key.public)])),
    },
    rootDns: server,
    clusterDns: [],
    names: [],
    services: {},
  };
}
