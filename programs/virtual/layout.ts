import { join } from "node:path";

/** Names of everything that the virtual hosts leave outside of their namespaces. */
export interface Layout {
  /** Start of the names of namespaces, and name of the cgroup that all nodes are below. */
  readonly prefix: string;
  /** The one link on the host. */
  readonly link: string;
  /** Directory with disks, logs and states. */
  readonly state: string;
}

const NAME = /^[a-z][a-z0-9]{0,9}$/;

/**
 * The layout of the local stack; or, for tests beside a running one, of the one that PEAK_LOCAL_NAME names: 1 to 10 lower-case
 * letters and digits (a link's name has 15 characters at most). There is no dash in a name, so no layout's names start with another's.
 */
export function layout(env: NodeJS.ProcessEnv = process.env): Layout {
  const name = env.PEAK_LOCAL_NAME || undefined;
  if (name !== undefined && !NAME.test(name)) {
    throw new Error(`PEAK_LOCAL_NAME=${name}: use 1 to 10 lower-case letters and digits, starting with a letter`);
  }
  const prefix = name ?? "peak";
  return { prefix, link: `${prefix}0`, state: join("/var/lib/peak", name ?? "local") };
}

/** The unit that is the bridge with its router; all others are virtual hosts, which have no such name. */
export const SWITCH = "switch";

/** The bridge and the router's interface, in the switch's namespace; the other links there are named after the hosts that they lead to. */
export const BRIDGE = "bridge";

/** Network namespace of a virtual host, or of the switch. */
export function namespace(names: Layout, unit: string): string {
  return `${names.prefix}-${unit}`;
}

/** Directory of a virtual host, or of the switch: disk, log and state. */
export function directory(names: Layout, unit: string): string {
  return join(names.state, "units", unit);
}
