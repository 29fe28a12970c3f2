import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../shell/run.ts";
import { ip } from "./ip.ts";
import { BRIDGE, type Layout, SWITCH, namespace } from "./layout.ts";
import { addNamespace, hardwareAddress, onLink, removeNamespace, writeSettings } from "./links.ts";
import type { NetworkSpec } from "./spec.ts";
import { type Unit, down, up } from "./units.ts";

/** Routes of ours in the switch are marked with this protocol number, so that those that are no longer wanted are found. */
const PROTOCOL = 112;

/** The bridge that virtual hosts are plugged into, the router on it, and the host's link to it. */
export function networkUp(names: Layout, spec: NetworkSpec, start?: string): ReturnType<typeof up> {
  const { routes, ...fixed } = spec;
  return up(names, { ...network(names), spec: fixed, start: () => launch(names, fixed), ready: () => setRoutes(names, routes) }, start);
}

export function networkDown(names: Layout): Promise<void> {
  return down(names, network(names));
}

function network(names: Layout): Pick<Unit, "name" | "stop"> {
  return { name: SWITCH, stop: () => stop(names) };
}

async function launch(names: Layout, spec: Omit<NetworkSpec, "routes">): Promise<undefined> {
  if (!existsSync("/proc/sys/net/ipv6")) throw new Error("this host's kernel runs without IPv6: start it without ipv6.disable=1");
  for (const prefix of spec.prefixes) await refuseRouted(prefix);
  const space = namespace(names, SWITCH);
  await addNamespace(space, { forwarding: true });
  await ip(space, [
    // Without a multicast querier on the link, snooping would only lose neighbour solicitations.
    `link add name ${BRIDGE} address ${hardwareAddress(space)} type bridge forward_delay 0 mcast_snooping 0`,
    `link set ${BRIDGE} up`,
    ...spec.router.map((address) => `addr add ${address}/64 dev ${BRIDGE} nodad`),
  ]);
  await ip(undefined, [`link add name ${names.link} address ${hardwareAddress(names.link)} type veth peer name uplink netns ${space}`]);
  await ip(space, [`link set uplink master ${BRIDGE} up`]);
  await writeSettings(undefined, [`net/ipv6/conf/${names.link}/disable_ipv6=0`, `net/ipv6/conf/${names.link}/accept_ra=0`]);
  const [gateway] = spec.router;
  await ip(undefined, [
    `link set ${names.link} up`,
    `addr add ${spec.host}/128 dev ${names.link} nodad`,
    `route add ${gateway}/128 dev ${names.link}`,
    ...spec.prefixes.map((prefix) => `route add ${prefix} via ${gateway} dev ${names.link}`),
  ]);
}

/** Throws if this host reaches the prefix already: by another stack, or by a network of its own. */
async function refuseRouted(prefix: string): Promise<void> {
  const [route] = (await run("ip", ["-6", "route", "show", "exact", prefix])).split("\n");
  if (!route) return;
  throw new Error(`this host has a route to ${prefix} already (${route.trim()}): give the stack another prefix, or remove the route`);
}

async function setRoutes(names: Layout, routes: NetworkSpec["routes"]): Promise<void> {
  await ip(namespace(names, SWITCH), [
    `route flush proto ${PROTOCOL}`,
    ...routes.flatMap(({ via, prefixes }) => prefixes.map((prefix) => `${onLink(prefix, via, BRIDGE)} proto ${PROTOCOL}`)),
  ]);
}

async function stop(names: Layout): Promise<void> {
  await removeNamespace(namespace(names, SWITCH));
  // Gone with its other end, unless an earlier start was killed half way.
  if (existsSync(join("/sys/class/net", names.link))) await run("ip", ["link", "del", names.link]).catch(gone(names.link));
}

/** The kernel takes a namespace apart in the background, so a link may vanish while it is being removed. */
function gone(link: string): (error: Error) => void {
  return (error) => {
    if (existsSync(join("/sys/class/net", link))) throw error;
  };
}
