import * as command from "@pulumi/command";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { AddressPlan } from "../../addressing/delegation.ts";
import type { Role } from "../../hardware/inventory.ts";
import type { Arch } from "../../toolchain/products.ts";
import type { Host } from "./host.ts";
import type { Generations } from "../pki/generations.ts";
import { hostKeys, pairsOf, type SshKeys } from "./ssh-key.ts";

export interface SshHostArgs {
  /** The machine as the inventory has it. */
  machine: { name: string; number: number; role: Role };
  /** Where the machine's number gets its addresses from. */
  plan: AddressPlan;
  /** Log in as root on every host of the stack. */
  operatorKeys: SshKeys;
  /** Of the operator's and the hosts' keys. */
  generations: Generations;
}

/** What a virtual Pi and a board have in common: addresses by prefix delegation, and SSH with a host key that the stack has made. */
export abstract class SshHost extends pulumi.ComponentResource implements Host {
  readonly name: string;
  readonly role: Role;
  readonly number: number;
  readonly ula: string;
  readonly global: string | undefined;
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  /** The identity of the host's SSH server. */
  readonly hostKeys: SshKeys;
  readonly #operatorKeys: SshKeys;
  abstract readonly arch: Arch;
  abstract readonly answers: boolean;
  abstract readonly incarnation: pulumi.Input<string>;
  abstract readonly resource: pulumi.Resource;
  abstract readonly lifetime: pulumi.Resource | undefined;

  protected constructor(type: string, name: string, { machine, plan, operatorKeys, generations }: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super(type, name, {}, opts);
    const { ula, global } = plan.node(machine.number);
    this.name = machine.name;
    this.role = machine.role;
    this.number = machine.number;
    this.ula = ula.address;
    this.global = global?.address;
    this.#operatorKeys = operatorKeys;
    this.hostKeys = hostKeys(`${name}-host-key`, generations, { parent: this });
    this.connection = pulumi.output({ host: this.ula, user: "root", privateKey: operatorKeys.used.private, hostKey: this.hostKeys.used.public });
  }

  /**
   * Has the host accept, and show, all present generations of keys and no others of the stack's, and tries each of them: what is trusted is
   * used by the next step of a rotation. The command has nothing to take back, since whoever is let in today is to be let in tomorrow.
   * @param resource the host's own
   */
  protected admit(name: string, resource: pulumi.Resource): void {
    new command.local.Command(`${name}-keys`, {
      create: "node programs/hosts/main.ts admit",
      stdin: pulumi.secret(pulumi.jsonStringify({ connection: this.connection, operatorKeys: pairsOf(this.#operatorKeys), hostKeys: pairsOf(this.hostKeys) })),
      environment: { PEAK_INCARNATION: this.incarnation },
      logging: command.local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: resource });
  }
}
