import { randomUUID } from "node:crypto";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Arch } from "../../toolchain/products.ts";
import { SshHost, type SshHostArgs } from "./ssh-host.ts";

export interface BoardArgs extends SshHostArgs {
  arch: Arch;
  /** Why it does not answer, where it does not (see `silentHosts`). */
  silent: string | undefined;
}

const script = "node programs/hosts/main.ts";

/** What a look at a board finds: its incarnation, unless it has none yet, or nobody could look. */
interface Found {
  incarnation?: string;
  fault?: string;
}

/**
 * A machine that comes into being by being switched on, such as a Raspberry Pi that boots media of ours, and that outlives the stack. While
 * it does not answer, nothing that is put on it is tried; all of it fails with the one resource that makes the board the stack's.
 */
export class Board extends SshHost {
  readonly arch: Arch;
  readonly answers: boolean;
  readonly incarnation: pulumi.Output<string>;
  readonly resource: pulumi.Resource;
  readonly lifetime = undefined;

  constructor(name: string, { arch, silent, ...args }: BoardArgs, opts?: pulumi.ComponentResourceOptions) {
    super("peak:node:Board", name, args, opts);
    this.arch = arch;
    this.answers = silent === undefined;
    // Looked at each time the program runs: a board that was flashed anew has no incarnation, and is given another.
    const found = silent === undefined
      ? command.local.runOutput({
        command: `${script} look`,
        stdin: pulumi.jsonStringify({ connection: this.connection }),
        addPreviousOutputInEnv: false,
      }).stdout.apply((text) => JSON.parse(text) as Found)
      : pulumi.output<Found>({});
    const blank = ({ incarnation, fault }: Found) => silent === undefined && incarnation === undefined && fault === undefined;
    const incarnation = found.apply((found) => found.incarnation ?? (blank(found) ? randomUUID() : ""));
    const settled = new command.local.Command(name, {
      create: `${script} settle`,
      delete: `${script} leave`,
      stdin: pulumi.secret(pulumi.jsonStringify({
        name: this.name, arch, incarnation, silent, fault: found.apply(({ fault }) => fault), connection: this.connection,
      })),
      addPreviousOutputInEnv: false,
    }, { parent: this });
    this.incarnation = pulumi.unsecret(settled.stdout);
    this.resource = settled;
    this.admit(name, settled);
    this.registerOutputs({ ula: this.ula, global: this.global });
  }
}
