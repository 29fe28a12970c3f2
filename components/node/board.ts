import type * as pulumi from "@pulumi/pulumi";
import type { Architecture } from "./host.ts";
import { SshHost, type SshHostArgs } from "./ssh-host.ts";

/** A Raspberry Pi that boots media of ours: it comes into being by being switched on, and outlives the stack. */
export class Board extends SshHost {
  readonly arch: Architecture = "arm64";
  readonly resource: pulumi.Resource;
  readonly lifetime = undefined;

  constructor(name: string, args: SshHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:Board", name, args, opts);
    this.resource = this.hostKey;
    this.registerOutputs({ ula: this.ula, global: this.global });
  }
}
