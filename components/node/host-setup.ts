import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { waiting } from "../waiting.ts";
import type { Host } from "./host.ts";
import { renderInstall, renderRemove, type SetupCheck, type SetupFile, type SetupUnit } from "./setup-script.ts";

export interface HostSetupArgs {
  host: Host;
  /** Debian packages, installed where missing. */
  packages?: string[];
  /** Files by absolute path; contents may be secret. */
  files?: InputFile[];
  /** Directories by absolute path, for what others write; removed with their content on delete. */
  directories?: string[];
  /** systemd units, enabled and running; all are restarted when one of `files` changes. */
  units?: InputUnit[];
  /** Kernel parameters by their dotted names. */
  sysctls?: Record<string, string>;
  /** Shell commands that take back what the units leave besides all this, once they have stopped; they may find it gone already. */
  undo?: string;
  /** What must succeed before the set-up counts as done. */
  check?: SetupCheck;
}

/** A file whose content may be known later. */
export type InputFile = Omit<SetupFile, "content"> & { content: pulumi.Input<string> };

/** A unit whose version may be known later. */
export type InputUnit = Omit<SetupUnit, "version" | "exec"> & { version?: pulumi.Input<string>; exec: pulumi.Input<string>[] };

/**
 * Packages, files and systemd units of one concern on one host, brought there by a single SSH command whose script says the
 * state to reach. Removed again on delete, except where the host goes away with the stack.
 */
export class HostSetup extends pulumi.ComponentResource {
  /** Exists once the set-up is done and its check has succeeded. */
  readonly done: pulumi.Resource;

  constructor(name: string, args: HostSetupArgs, opts?: pulumi.ComponentResourceOptions) {
    const { own, dependsOn } = waiting(opts);
    super("peak:node:HostSetup", name, {}, own);
    const { host, packages = [], files = [], directories = [], units = [], sysctls = {}, undo, check } = args;
    const script = pulumi.all([files, units, host.incarnation] as [InputFile[], InputUnit[], pulumi.Input<string>])
      .apply(([files, units, incarnation]) => renderInstall({
        name, incarnation, packages, files, directories, units: units as SetupUnit[], sysctls,
        ...(undo !== undefined && { undo }),
        ...(check && { check }),
      }));
    this.done = new command.remote.Command(name, {
      connection: host.connection,
      create: "sh -s",
      stdin: script,
      delete: renderRemove(name),
      logging: command.remote.Logging.Stderr,
      addPreviousOutputInEnv: false,
    }, { parent: this, dependsOn: [host.resource, ...dependsOn], ...(host.lifetime && { deletedWith: host.lifetime }) });
    this.registerOutputs({});
  }
}
