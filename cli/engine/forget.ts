import { rm } from "node:fs/promises";
import { join } from "node:path";
import { paths, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";

/** Removes the credentials that commands wrote for a stack. */
export async function forgetCredentials(stack: string): Promise<void> {
  await rm(paths.credentials(stack), { recursive: true, force: true });
}

/**
 * Removes all that ./peak keeps of the local stack: state, passphrase, configuration, credentials. The state goes first: without the
 * passphrase it is of no use.
 */
export async function forgetLocalStack(): Promise<void> {
  await forgetCredentials(LOCAL);
  const own = [
    paths.state,
    paths.passphrase,
    paths.home,
    paths.enginePid(LOCAL),
    paths.begun(LOCAL),
    paths.nodes,
    paths.keys,
    paths.config,
    join(workDir, "Pulumi.yaml"),
  ];
  for (const path of own) await rm(path, { recursive: true, force: true });
}
