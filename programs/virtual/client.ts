import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../shell/run.ts";
import { ip } from "./ip.ts";
import { type Layout, directory, namespace } from "./layout.ts";
import { onLink, plugIn, unplug } from "./links.ts";
import { rootfs, rootfsKey } from "./rootfs.ts";
import type { ClientSpec } from "./spec.ts";
import { isRunning } from "./state.ts";
import { type Unit, down, up } from "./units.ts";

/**
 * Starts a client emulator unless it runs, gives it routes to the nodes, and waits until its resolver listens. A route to a node that is
 * being removed stays until the next start: its pods serve on meanwhile.
 */
export function clientUp(names: Layout, { routes, ...fixed }: ClientSpec, start?: string): ReturnType<typeof up> {
  return up(names, {
    ...client(names, fixed.name),
    spec: { ...fixed, rootfs: rootfsKey() },
    start: () => launch(names, fixed),
    ready: async () => {
      await ip(namespace(names, fixed.name), routes.flatMap(({ via, prefixes }) => prefixes.map((prefix) => onLink(prefix, via, "eth0"))));
      await ready(names, fixed.name);
    },
  }, start);
}

/** Ends a client emulator and all that was started in it. */
export function clientDown(names: Layout, name: string): Promise<void> {
  return down(names, client(names, name));
}

function client(names: Layout, name: string): Pick<Unit, "name" | "stop"> {
  const space = namespace(names, name);
  return {
    name,
    stop: async () => {
      await unplug(names, name);
      await rm(join("/etc/netns", space), { recursive: true, force: true });
    },
  };
}

async function launch(names: Layout, spec: Omit<ClientSpec, "routes">): Promise<number> {
  const space = namespace(names, spec.name);
  const home = directory(names, spec.name);
  const lower = await rootfs();
  await plugIn(names, spec.name, { ...spec, forwarding: false });

  // `ip netns exec` shows these in place of the host's; a host may have its names resolved by a daemon of its own otherwise.
  await mkdir(join("/etc/netns", space), { recursive: true });
  await writeFile(join("/etc/netns", space, "resolv.conf"), "nameserver ::1\n");
  if (existsSync("/etc/nsswitch.conf")) {
    await writeFile(join("/etc/netns", space, "nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  }

  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, "unbound.conf"), spec.resolver);
  await using log = await open(join(home, "unbound.log"), "w", 0o600);
  // The nodes' unbound, so that the host needs none.
  const script = 'mount --bind "$1" "$2/mnt" && exec chroot "$2" unbound -d -c /mnt/unbound.conf';
  const args = ["netns", "exec", space, "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", home, lower];
  const child = spawn("ip", args, { detached: true, stdio: ["ignore", log.fd, log.fd], env: { PATH: process.env.PATH ?? "" } });
  await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  child.unref();
  return child.pid!;
}

/** Waits until unbound listens, for ten seconds at most; gives up at once if it ends. */
async function ready(names: Layout, name: string): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const sockets = await run("ip", ["netns", "exec", namespace(names, name), "cat", "/proc/net/udp6"]);
    if (listens(sockets, 53)) return;
    if (!isRunning(names, name)) break;
    await sleep(100);
  }
  const log = await readFile(join(directory(names, name), "unbound.log"), "utf8").catch(() => "");
  throw new Error(`${name}: its resolver does not start; unbound says:\n${log.trim()}`);
}

/** Whether a table of sockets, as in /proc/net/udp6, has a local port. */
function listens(table: string, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${hex}`));
}
