import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../node/host.ts";
import { HostSetup } from "../node/host-setup.ts";
import { renderUnbound, type RootServer } from "../node/unbound.ts";

export interface ResolverArgs {
  host: Host;
  /** The zone, with its final dot. */
  zone: string;
  /** The zone's root servers. */
  servers: RootServer[];
  /** Who may ask, as prefixes. */
  allow: string[];
}

/** A recursive resolver on a host that starts at the zone's root servers: for those who cannot follow a referral themselves. */
export class Resolver extends pulumi.ComponentResource {
  readonly address: string;
  readonly port = 5353;

  constructor(name: string, { host, zone, servers, allow }: ResolverArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:network:Resolver", name, {}, opts);
    this.address = host.ula;
    new HostSetup(`${name}-${host.name}`, {
      host,
      packages: ["unbound"],
      files: [{ path: "/etc/peak/resolver/unbound.conf", content: renderUnbound({ zone, servers, address: this.address, port: this.port, allow }) }],
      units: [{
        name: "peak-resolver.service",
        description: `Recursive resolver for ${zone}`,
        type: "exec",
        after: ["network-online.target"],
        exec: ["/usr/sbin/unbound", "-d", "-c", "/etc/peak/resolver/unbound.conf"],
        restart: "always",
      }],
    }, { parent: this, aliases: [{ name }] });
    this.registerOutputs({ address: this.address, port: this.port });
  }
}
