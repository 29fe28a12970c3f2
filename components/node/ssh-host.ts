import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { Architecture, Host, HostRole } from "./host.ts";
import { SshKey } from "./ssh-key.ts";

export interface SshHostArgs {
  /** The machine as the inventory has it. */
  machine: { name: string; number: number; role: HostRole };
  /** Where the machine's number gets its addresses from. */
  plan: AddressPlan;
  /** Logs in as root on every host of the stack. */
  operatorKey: SshKey;
}

/** What a virtual Pi and a board have in common: addresses by prefix delegation, and SSH with a host key that the stack has made. */
export abstract class SshHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly role: HostRole;
  readonly number: number;
  readonly ula: string;
  readonly global: string | undefined;
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** The identity of the host's SSH server. */
  readonly hostKey: SshKey;
  abstract readonly arch: Architecture;
  abstract readonly answers: boolean;
  abstract readonly incarnation: pulumi.Input<string>;
  abstract readonly isBlank: boolean;
  abstract readonly resource: pulumi.Resource;
  abstract readonly lifetime: pulumi.Resource | undefined;

  protected constructor(type: string, name: string, { machine, plan, operatorKey }: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const { ula, global } = plan.node(machine.number);
    this.name = machine.name;
    this.role = machine.role;
    this.number = machine.number;
    this.ula = ula.address;
    this.global = global?.address;
    this.hostKey = new SshKey(`${name}-host-key`, { parent: this });
    this.connection = pulumi.output({ host: this.ula, user: "root", privateKey: operatorKey.private, hostKey: this.hostKey.public });
  }
}
