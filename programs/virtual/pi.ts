import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { faultOf } from "../hosts/answers.ts";
import { removeCgroup } from "./cgroups.ts";
import { type Layout, directory, namespace } from "./layout.ts";
import { plugIn, unplug } from "./links.ts";
import { rootfs, rootfsKey } from "./rootfs.ts";
import { hostKeyFile, hostKeyFiles, markedKey, privateText } from "../ssh-keys.ts";
import type { PiSpec } from "./spec.ts";
import { expectedMachineId, isRunning, upperLayer } from "./state.ts";
import { type Unit, down, up } from "./units.ts";

/**
 * Starts a virtual Pi unless it runs, and waits until it answers on SSH.
 * @param start see `up`
 * @param machineId for a new disk, see `expectedMachineId`
 */
export function piUp(names: Layout, spec: PiSpec, start?: string, machineId?: string): ReturnType<typeof up> {
  return up(names, {
    ...pi(names, spec.name),
    // Keys are brought to a running one (programs/hosts): it is not started anew for another.
    spec: { ...spec, authorizedKeys: [], hostKeys: [], rootfs: rootfsKey() },
    start: () => launch(names, spec, machineId ?? expectedMachineId(spec.name, names)),
    ready: () => ready(names, spec),
  }, start);
}

/** Ends a virtual Pi with all that runs in it, and removes its disk. */
export function piDown(names: Layout, name: string): Promise<void> {
  return down(names, pi(names, name));
}

function pi(names: Layout, name: string): Pick<Unit, "name" | "stop"> {
  return {
    name,
    stop: async () => {
      await removeCgroup(cgroup(names, name));
      await unplug(names, name);
    },
  };
}

function cgroup(names: Layout, name: string): string {
  return `${names.prefix}/${name}`;
}

async function launch(names: Layout, spec: PiSpec, machineId: string): Promise<number> {
  const lower = await rootfs();
  const home = directory(names, spec.name);
  for (const part of ["upper", "root", "data"]) await mkdir(join(home, part), { recursive: true, mode: 0o755 });
  await rm(join(home, "work"), { recursive: true, force: true });
  await mkdir(join(home, "work"));
  await writeIdentity(upperLayer(names, spec.name), spec, machineId);
  await plugIn(names, spec.name, { addresses: spec.addresses, gateway: spec.gateway, forwarding: true });

  await using log = await open(join(home, "console.log"), "w", 0o600);
  const script = join(import.meta.dirname, "launch-pi.sh");
  const args = [script, spec.name, cgroup(names, spec.name), namespace(names, spec.name), lower, home];
  // A session of its own and no more of our environment than it needs: it outlives us.
  const child = spawn("sh", args, { detached: true, stdio: ["ignore", log.fd, log.fd], env: { PATH: process.env.PATH ?? "" } });
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  child.unref();
  return child.pid!;
}

/** Writes what makes this node differ from the others into its layer, which is not mounted while it is down. */
async function writeIdentity(upper: string, spec: PiSpec, machineId: string): Promise<void> {
  const [address] = spec.addresses;
  const files: [path: string, content: string, mode: number][] = [
    ["etc/hostname", `${spec.name}\n`, 0o644],
    ...spec.hostKeys.flatMap((key): typeof files => [
      [hostKeyFile(key.public), privateText(key.private), 0o600],
      [`${hostKeyFile(key.public)}.pub`, `${markedKey(key.public)}\n`, 0o644],
    ]),
    ["root/.ssh/authorized_keys", spec.authorizedKeys.map((key) => `${markedKey(key)}\n`).join(""), 0o600],
  ];
  // What the node keeps once it has it.
  const first: typeof files = [
    ["etc/machine-id", `${machineId}\n`, 0o444],
    ["etc/hosts", `127.0.0.1 localhost\n::1 localhost\n${address} ${spec.name}\n`, 0o644],
  ];
  files.push(...first.filter(([path]) => !existsSync(join(upper, path))));
  // A directory in the upper layer sets the mode of the merged one.
  for (const [path, mode] of [["etc", 0o755], ["etc/ssh", 0o755], ["root", 0o700], ["root/.ssh", 0o700]] as const) {
    await mkdir(join(upper, path), { recursive: true });
    await chmod(join(upper, path), mode);
  }
  for (const file of hostKeyFiles) for (const path of [file, `${file}.pub`]) await rm(join(upper, path), { force: true });
  for (const [path, content, mode] of files) {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await writeFile(join(upper, path), content, { mode });
    await chmod(join(upper, path), mode);
  }
}

/** Waits for the SSH server's greeting, for a minute at most; gives up at once if the node ends. */
async function ready(names: Layout, spec: PiSpec): Promise<void> {
  const [address] = spec.addresses;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if ((await faultOf(address!, 22, 2_000)) === undefined) return;
    if (!isRunning(names, spec.name)) throw new Error(`${spec.name}: ended while it started${await lastWords(names, spec.name)}`);
    await sleep(100);
  }
  throw new Error(`${spec.name}: no SSH server answers at ${address} after a minute${await lastWords(names, spec.name)}`);
}

async function lastWords(names: Layout, name: string): Promise<string> {
  const log = await readFile(join(directory(names, name), "console.log"), "utf8").catch(() => "");
  return log.trim() ? `; its console says:\n${log.trim().split("\n").slice(-15).join("\n")}` : "";
}
