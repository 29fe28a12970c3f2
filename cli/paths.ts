import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project directory: the one with Pulumi.yaml. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What ./peak keeps for the stacks, all of it ignored by git and readable by its owner only. */
export const workDir = join(root, ".peak");

export const paths = {
  /** The file backend with the local stack's state. */
  state: join(workDir, "state"),
  /** Passphrase of the local stack's secrets. */
  passphrase: join(workDir, "passphrase"),
  /** The configuration that the local stack runs with. */
  config: join(workDir, "Pulumi.local.yaml"),
  /** How many nodes `--nodes` has asked for, until destroy. */
  nodes: join(workDir, "nodes"),
  /** Where keys of the local stack are in their rotation, until destroy. */
  keys: join(workDir, "keys"),
  /** PULUMI_HOME for the local stack, so that the user's own Pulumi settings stay as they are. */
  home: join(workDir, "home"),
  /** Credentials of a stack, written when a command needs them: kubeconfig, SSH key, known hosts. */
  credentials: (stack: string) => join(workDir, "credentials", stack),
  /** The outputs that a stack had when it was last whole. */
  outputs: (stack: string) => join(workDir, "credentials", stack, "outputs.json"),
  /** Objects that an interrupted run may have made in a cluster that has not answered since. */
  begun: (stack: string) => join(workDir, `${stack}.begun.json`),
  /** Process id of the engine that works on a stack. */
  enginePid: (stack: string) => join(workDir, `${stack}.engine`),
};
