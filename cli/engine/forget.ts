import { rm } from "node:fs/promises";
import { join } from "node:path";
import { paths, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";

/** Removes what commands wrote of a stack, wherever its state is: credentials, and what an interrupted run had begun. */
export async function forgetStack(stack: string): Promise<void> {
  for (const path of [paths.credentials(stack), paths.begun(stack), paths.enginePid(stack)]) await rm(path, { recursive: true, force: true });
}

/**
 * Removes all that ./peak keeps of the local stack: state, passphrase, configuration, credentials. The state goes first: without the
 * passphrase it is of no use.
 */
export async function forgetLocalStack(): Promise<void> {
  await forgetStack(LOCAL);
  const own = [
    paths.state,
    paths.passphrase,
    paths.home,
    paths.nodes,
    paths.keys,
    paths.config,
    join(workDir, "Pulumi.yaml"),
  ];
  for (const path of own) await rm(path, { recursive: true, force: true });
}
