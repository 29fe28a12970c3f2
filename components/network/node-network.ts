import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { scopes, type NodeDelegation } from "./delegation.ts";

export interface NodeNetworkArgs {
  host: Host;
  /** What prefix delegation gives this node. */
  own: NodeDelegation;
  /** What it gives every other node: their prefixes are routed to them directly, without overlay or NAT. */
  peers: NodeDelegation[];
}

/** Gives a node its pods' address ranges and the routes to every other node's. */
export class NodeNetwork extends pulumi.ComponentResource {
  constructor(name: string, { host, own, peers }: NodeNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:network:NodeNetwork", name, {}, opts);
    new HostSetup(name, {
      host,
      files: [
        { path: "/etc/cni/net.d/10-peak.conflist", content: renderCni(own) },
        { path: "/etc/peak/routes", content: renderRoutes(peers), mode: 0o755 },
      ],
      units: [{
        name: "peak-routes.service",
        description: "Routes to the prefixes of the other nodes",
        type: "oneshot",
        after: ["network-online.target"],
        exec: ["/etc/peak/routes"],
      }],
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

/** A script that routes each peer's prefixes to it. Pure. */
export function renderRoutes(peers: NodeDelegation[]): string {
  // A node's address lies inside its own prefix: `onlink` says that it is a neighbour all the same.
  const routes = peers.flatMap(scopes).map((scope) => `ip -6 route replace ${scope.prefix} via ${scope.address} dev eth0 onlink`);
  return ["#!/bin/sh", "set -e", ...routes, ""].join("\n");
}
