import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shell/run.ts";
import { killAll } from "./cgroups.ts";
import { ip } from "./ip.ts";
import { BRIDGE, type Layout, SWITCH, namespace } from "./layout.ts";

export interface Route {
  readonly via: string;
  readonly prefixes: readonly string[];
}

/** Makes an empty network namespace with IPv6 on, whatever the host's defaults are. */
export async function addNamespace(name: string, { forwarding }: { forwarding: boolean }): Promise<void> {
  await run("ip", ["netns", "add", name]);
  const settings = ["all", "default"].flatMap((device) => [
    `net/ipv6/conf/${device}/disable_ipv6=0`,
    `net/ipv6/conf/${device}/accept_ra=0`,
    `net/ipv6/conf/${device}/forwarding=${forwarding ? 1 : 0}`,
  ]);
  await writeSettings(name, settings);
  await ip(name, ["link set lo up"]);
}

/** Writes kernel settings, each `path=value`, as a namespace (or, without one, the host) sees them. */
export async function writeSettings(namespace: string | undefined, settings: readonly string[]): Promise<void> {
  const script = settings.map((setting) => setting.replace(/^(.*)=(.*)$/, 'echo "$2" > "/proc/sys/$1"')).join("\n");
  await run(namespace ? "ip" : "sh", namespace ? ["netns", "exec", namespace, "sh", "-es"] : ["-es"], { input: script });
}

/** Ends what runs in a namespace and removes it; its end of each link goes with it, and so does the other. */
export async function removeNamespace(name: string): Promise<void> {
  if (!existsSync(join("/run/netns", name))) return;
  await killAll(() => namespaceProcesses(name), `namespace ${name}`);
  await run("ip", ["netns", "del", name]);
}

/** Processes in a namespace; none if it has been lost or was left half made. */
export async function namespaceProcesses(name: string): Promise<number[]> {
  const pids = await run("ip", ["netns", "pids", name]).catch(() => "");
  return pids.split("\n").filter(Boolean).map(Number);
}

/**
 * Gives a virtual host its namespace, with eth0 plugged into the bridge, addresses and a default route. Addresses are used without
 * duplicate address detection, which would delay each start, and the hardware address is the same each time, so that no neighbour holds an
 * outdated one.
 */
export async function plugIn(
  names: Layout,
  host: string,
  options: { addresses: readonly string[]; gateway: string; forwarding: boolean },
): Promise<void> {
  const space = namespace(names, host);
  await addNamespace(space, options);
  const bridged = namespace(names, SWITCH);
  const link = `link add name eth0 address ${hardwareAddress(space)} netns ${space} type veth`;
  await ip(undefined, [`${link} peer name ${host} netns ${bridged}`]);
  await ip(bridged, [`link set ${host} master ${BRIDGE} up`]);
  await ip(space, [
    "link set eth0 up",
    ...options.addresses.map((address) => `addr add ${address}/64 dev eth0 nodad`),
    `route add default via ${options.gateway}`,
  ]);
}

/** Sets a route; a node's address is in its own /80, so the kernel has to be told that it is a neighbour all the same. */
export function onLink(prefix: string, via: string, device: string): string {
  return `route replace ${prefix} via ${via} dev ${device} onlink`;
}

/**
 * Ends what runs in a virtual host's namespace, and removes it with its link. The kernel takes a namespace apart in the
 * background, where the link's other end would be in the way of the next one of that name, so the link goes first.
 */
export async function unplug(names: Layout, host: string): Promise<void> {
  await run("ip", ["-n", namespace(names, SWITCH), "link", "del", host]).catch(() => {}); // there is none
  await removeNamespace(namespace(names, host));
}

/** A locally administered address made from a name. */
export function hardwareAddress(name: string): string {
  return ["02", ...createHash("sha256").update(name).digest("hex").slice(0, 10).match(/../g)!].join(":");
}
