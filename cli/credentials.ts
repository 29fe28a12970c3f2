import type { Outputs } from "./engine/outputs.ts";
import { writeSecret } from "./secret-file.ts";

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
