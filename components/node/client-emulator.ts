import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { renderUnbound, type RootServer } from "./unbound.ts";
import type { VirtualNetwork } from "./virtual-network.ts";
import { rootfsKey } from "../../programs/virtual/rootfs.ts";
import type { ClientSpec } from "../../programs/virtual/spec.ts";
import { expectedStart } from "../../programs/virtual/state.ts";

export interface ClientEmulatorArgs {
  /** The machine as the inventory has it. */
  machine: { name: string; number: number };
  /** What it is plugged into. */
  network: VirtualNetwork;
  /** The zone that its resolver serves, with its final dot. */
  zone: string;
  /** The zone's root servers. */
  servers: RootServer[];
}

/** A network namespace on this machine that stands in for a client, with a recursive resolver that starts at the zone's root servers. */
export class ClientEmulator extends pulumi.ComponentResource {
  constructor(name: string, { machine, network, zone, servers }: ClientEmulatorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:ClientEmulator", name, {}, opts);
    const { ula, global } = network.plan.node(machine.number);
    const spec: ClientSpec = {
      name: machine.name,
      addresses: [ula.address, ...(global ? [global.address] : [])],
      gateway: network.plan.router.ula,
      routes: network.routes,
      resolver: renderUnbound({ zone, servers, address: "::1", port: 53, allow: ["::1/128"] }),
    };
    const script = "node programs/virtual/main.ts";
    new command.local.Command(name, {
      create: `${script} client up`,
      delete: `${script} client down`,
      stdin: JSON.stringify(spec),
      environment: { PEAK_START: expectedStart(machine.name), PEAK_ROOTFS: rootfsKey() },
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: network.resource });
    this.registerOutputs({});
  }
}
