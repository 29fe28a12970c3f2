import * as pulumi from "@pulumi/pulumi";
import type { InventoryHost } from "../../hardware/inventory.ts";
import { renderMedia } from "../../hardware/render/media.ts";
import { record } from "./record.ts";

export interface BootMediaArgs {
  host: InventoryHost;
  /** Addresses of the board's interface, each inside a /64. */
  addresses: readonly string[];
  /** Where its default route points. */
  router: string;
  /** Log in as root. */
  operatorKeys: pulumi.Input<string>[];
  /** The identity of its SSH server; the private halves are secrets. */
  hostKeys: { private: pulumi.Input<string>; public: pulumi.Input<string> }[];
}

/**
 * What a board boots: files by their path on the boot partition, secret, since the host's private key is among them. `./peak hardware media`
 * writes them.
 */
export class BootMedia extends pulumi.ComponentResource {
  constructor(name: string, { host, addresses, router, operatorKeys, hostKeys }: BootMediaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:hardware:BootMedia", name, {}, opts);
    const files = pulumi
      .all([operatorKeys, hostKeys] as const)
      .apply(([authorizedKeys, hostKeys]) => renderMedia(host, { addresses, router, authorizedKeys, hostKeys }));
    record(name, pulumi.secret(files), this);
    this.registerOutputs({});
  }
}
