import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Outputs } from "./engine/outputs.ts";
import { paths } from "./paths.ts";

/** How kubectl gets to the stack's cluster: arguments that come first, and its environment. */
export async function kubectlAccess(
  stack: string,
  { kubeconfig, kubeContext }: Outputs,
): Promise<{ args: string[]; env: NodeJS.ProcessEnv }> {
  const args = kubeContext === undefined ? [] : ["--context", kubeContext];
  const env = kubeconfig === undefined ? process.env : { ...process.env, KUBECONFIG: await writeSecret(stack, "kubeconfig", kubeconfig) };
  return { args, env };
}

/** Arguments for `ssh` to log in to a host of the stack: the stack's key, and that host's own key as the only one it may have. */
export async function sshArguments(stack: string, { ssh }: Outputs, { name, ula }: { name: string; ula: string }): Promise<string[]> {
  const key = await writeSecret(stack, "ssh-key", ssh.privateKey.endsWith("\n") ? ssh.privateKey : `${ssh.privateKey}\n`);
  const known = await writeSecret(stack, "known-hosts", knownHosts(ssh.hostKeys));
  const options = [
    `UserKnownHostsFile=${known}`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    `HostKeyAlias=${name}`,
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
  ];
  return ["-F", "none", "-i", key, ...options.flatMap((option) => ["-o", option]), `${ssh.user}@${ula}`];
}

/** A known_hosts file. */
export function knownHosts(hostKeys: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(hostKeys)
    .flatMap(([name, keys]) => keys.map((key) => `${name} ${key.trim()}\n`))
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
