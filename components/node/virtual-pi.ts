import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { hostArch } from "../../toolchain/products.ts";
import { pairsOf } from "./ssh-key.ts";
import { SshHost, type SshHostArgs } from "./ssh-host.ts";
import type { VirtualNetwork } from "./virtual-network.ts";
import { rootfsKey } from "../../programs/virtual/rootfs.ts";
import type { PiSpec } from "../../programs/virtual/spec.ts";
import { expectedMachineId, expectedStart } from "../../programs/virtual/state.ts";

export interface VirtualPiArgs extends Omit<SshHostArgs, "plan"> {
  /** What it is plugged into. */
  network: VirtualNetwork;
}

/** A systemd container on this machine that stands in for a Raspberry Pi. */
export class VirtualPi extends SshHost {
  readonly arch = hostArch;
  readonly answers = true;
  readonly incarnation: string;
  readonly resource: pulumi.Resource;
  readonly lifetime: pulumi.Resource;

  constructor(name: string, { network, ...args }: VirtualPiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:VirtualPi", name, { ...args, plan: network.plan }, opts);
    const spec: pulumi.Output<PiSpec> = pulumi.output({
      name: this.name,
      addresses: [this.ula, this.global].filter((address) => address !== undefined),
      gateway: network.plan.router.ula,
      authorizedKeys: args.operatorKeys.accepted.map((key) => key.public),
      hostKeys: pairsOf(this.hostKeys),
    });
    this.incarnation = expectedMachineId(this.name);
    const script = "node programs/virtual/main.ts";
    this.lifetime = new command.local.Command(name, {
      create: `${script} pi up`,
      delete: `${script} pi down`,
      stdin: pulumi.jsonStringify(spec),
      // Inputs that differ once the container or this machine has died, its disk is lost, or its root file system is made of something else.
      environment: { PEAK_START: expectedStart(this.name), PEAK_MACHINE_ID: this.incarnation, PEAK_ROOTFS: rootfsKey() },
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: network.resource });
    this.resource = this.lifetime;
    this.admit(name, this.resource);
    this.registerOutputs({ ula: this.ula, global: this.global });
  }
}
