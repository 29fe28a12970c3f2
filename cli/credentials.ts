import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Outputs } from "./engine/outputs.ts";
import { CliError } from "./errors.ts";
import { paths } from "./paths.ts";

/** Writes the stack's kubeconfig for its owner only, and returns its path. */
export async function writeKubeconfig(stack: string, { kubeconfig }: Outputs): Promise<string> {
  return writeSecret(stack, "kubeconfig", kubeconfig);
}

/** Somewhere to log in. */
export interface Login {
  name: string;
  address: string;
}

/** Arguments for `ssh` to log in to a host of the stack: the stack's key, and that host's own key as the only one it may have. */
export async function sshArguments(stack: string, { ssh }: Outputs, { name, address }: Login): Promise<string[]> {
  if (!ssh) throw new CliError(`the stack ${stack} has no machines of its own to log in to`);
  const key = await writeSecret(stack, "ssh-key", ssh.privateKey.endsWith("\n") ? ssh.privateKey : `${ssh.privateKey}\n`);
  const known = await writeSecret(stack, "known-hosts", knownHosts(ssh.hostKeys));
  const options = [`UserKnownHostsFile=${known}`, "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", `HostKeyAlias=${name}`, "IdentitiesOnly=yes", "LogLevel=ERROR"];
  return ["-F", "none", "-i", key, ...options.flatMap((option) => ["-o", option]), `${ssh.user}@${address}`];
}

/** A known_hosts file. */
export function knownHosts(hostKeys: Readonly<Record<string, string>>): string {
  return Object.entries(hostKeys)
    .map(([name, key]) => `${name} ${key.trim()}\n`)
    .join("");
}

/** Another command may read the file at the same time: it is replaced as a whole. */
async function writeSecret(stack: string, name: string, text: string): Promise<string> {
  const dir = paths.credentials(stack);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, name);
  await writeFile(`${file}.${process.pid}`, text, { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
  return file;
}
