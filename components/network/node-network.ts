import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { renderRoutes, renderRoutesUndo } from "../node/routes.ts";
import { scopes, type NodeDelegation } from "../../addressing/delegation.ts";

export interface NodeNetworkArgs {
  host: Host;
  /** What prefix delegation gives this node. */
  own: NodeDelegation;
  /** What it gives every other node: their prefixes are routed to them directly, without overlay or NAT. */
  peers: NodeDelegation[];
}

/** TCP ports of a node that answer nodes and pods only: Prometheus, and what it asks. */
const monitoringPorts = { first: 9090, last: 9199 };

/** Gives a node its pods' address ranges, the address of a root server, the routes to every other node's prefixes, and a firewall. */
export class NodeNetwork extends pulumi.ComponentResource {
  constructor(name: string, { host, own, peers }: NodeNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:network:NodeNetwork", name, {}, opts);
    new HostSetup(name, {
      host,
      packages: ["nftables"],
      files: [
        { path: "/etc/cni/net.d/10-peak.conflist", content: renderCni(own) },
        { path: "/etc/peak/firewall.nft", content: renderFirewall([own, ...peers]) },
        { path: "/etc/peak/network", content: renderNetwork(own, peers), mode: 0o755 },
      ],
      units: [{
        name: "peak-network.service",
        description: "Addresses, routes to the prefixes of the other nodes, firewall",
        type: "oneshot",
        after: ["network-online.target"],
        exec: ["/etc/peak/network"],
      }],
      directories: ["/var/lib/cni"],
      undo: renderUndo(own),
      sysctls: {
        "net.ipv6.conf.all.forwarding": "1",
        // DNS servers answer on their node's own addresses, as a user without privileges.
        "net.ipv4.ip_unprivileged_port_start": "53",
      },
    }, { parent: this });
    this.registerOutputs({});
  }
}

/**
 * The CNI configuration of a node: a bridge, and an address of each scope for every pod. The published scope is the first,
 * since Kubernetes reports one IPv6 address a pod: the first of the CNI result. Pure.
 */
export function renderCni(own: NodeDelegation): string {
  return JSON.stringify({
    cniVersion: "1.0.0",
    name: "peak",
    plugins: [{
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      hairpinMode: true,
      ipMasq: false,
      ipam: {
        type: "host-local",
        ranges: scopes(own).map((scope) => [{ subnet: scope.pods, rangeStart: scope.firstPod }]),
        routes: [{ dst: "::/0" }],
      },
    }],
  }, undefined, 2);
}

/** A script that gives a node its further addresses, routes each peer's prefixes to it, and loads the firewall. Pure. */
export function renderNetwork(own: NodeDelegation, peers: NodeDelegation[]): string {
  // Nothing that the node itself begins comes from these: they are deprecated as sources (RFC 4862, 5.5.4).
  const addresses = scopes(own).map((scope) => `ip -6 address replace ${scope.rootServer}/128 dev eth0 nodad preferred_lft 0\n`).join("");
  return `${renderRoutes("node", peers)}${addresses}nft -f /etc/peak/firewall.nft\n`;
}

/** What takes back what the script of a node has done, and the bridge that pods were plugged into. Pure. */
function renderUndo(own: NodeDelegation): string {
  return `${renderRoutesUndo("node")}for address in ${scopes(own).map((scope) => scope.rootServer).join(" ")}; do
  [ -z "$(ip -6 address show dev eth0 to "$address/128")" ] || ip -6 address delete "$address/128" dev eth0
done
if ip link show dev cni0 > /dev/null 2>&1; then ip link delete cni0; fi
if nft list table inet peak > /dev/null 2>&1; then nft delete table inet peak; fi
`;
}

/** The firewall of a node, for nft: what listens for the cluster itself tells nothing to others. Pure. */
export function renderFirewall(nodes: NodeDelegation[]): string {
  return `table inet peak
delete table inet peak
table inet peak {
  set cluster {
    type ipv6_addr
    flags interval
    elements = { ${nodes.flatMap(scopes).map(({ prefix }) => prefix).join(", ")} }
  }
  chain input {
    type filter hook input priority filter
    iifname != "lo" tcp dport ${monitoringPorts.first}-${monitoringPorts.last} ip6 saddr != @cluster reject with tcp reset
  }
}
`;
}
