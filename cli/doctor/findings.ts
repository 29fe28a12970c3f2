import { overlaps, parsePrefix, type Prefix } from "../../addressing/prefix.ts";

/** What a check found. */
export interface Finding {
  check: string;
  /** `fail`: the local stack cannot live here; `warn`: it can, but something is better changed. */
  level: "ok" | "warn" | "fail";
  text: string;
  /** What to do about it. */
  remedy?: string;
}

/** What is known of this host. */
export interface Facts {
  platform: string;
  /** undefined where there are no users. */
  uid: number | undefined;
  /** What a trial in namespaces of its own showed that the kernel can do; undefined where it could not be tried. */
  kernel: ReadonlySet<string> | undefined;
  /** Bytes that are free where the nodes' disks are, and where the cache is. */
  disk: { nodes: number; cache: number };
  /** Bytes that are available. */
  memory: number;
  /** Programs of the local stack that are missing, by the package that has them. */
  missing: readonly string[];
  apt: boolean;
  /** Products of the toolchain that the cache has. */
  cached: readonly string[];
  cacheRoot: string;
  /** Version of Go; undefined if there is none. */
  go: string | undefined;
  /** What the local stack has on this host, as `KIND: COUNT`. */
  present: readonly string[];
  /** The other clone that this belongs to, a directory. */
  stranger: string | undefined;
  /** Whether this clone has a state of the local stack. */
  hasState: boolean;
  /** Prefixes of the local stack, by configuration key. */
  prefixes: Readonly<Record<string, string>>;
  /** What this host reaches over IPv6, and by which link. */
  routes: readonly { destination: string; link: string }[];
  /** The one link of the local stack. */
  ownLink: string;
}

const GIB = 2 ** 30;

/** What the kernel must offer, and what for. */
const features: Readonly<Record<string, string>> = {
  netns: "network namespaces: CONFIG_NET_NS",
  bridge: "a bridge between the nodes: CONFIG_BRIDGE, module bridge",
  veth: "links into namespaces: CONFIG_VETH, module veth",
  ipv6: "IPv6: CONFIG_IPV6, and no ipv6.disable=1 on the kernel's command line",
  nftables: "service addresses: CONFIG_NF_TABLES, module nf_tables",
  overlay: "images of containers: CONFIG_OVERLAY_FS, module overlay",
};

/** All checks, in the order in which they matter. */
export function examine(facts: Facts): Finding[] {
  return [
    system(facts),
    ...kernel(facts),
    memory(facts),
    disk(facts),
    programs(facts),
    toolchain(facts),
    leftovers(facts),
    ...addresses(facts),
  ];
}

function system({ platform, uid }: Facts): Finding {
  if (platform !== "linux")
    return { check: "system", level: "fail", text: `this is ${platform}`, remedy: "the local stack needs Linux: use a virtual machine" };
  if (uid !== 0)
    return { check: "system", level: "fail", text: "not root", remedy: "network namespaces and containers are root's: use sudo" };
  return { check: "system", level: "ok", text: "Linux, root" };
}

function kernel({ kernel }: Facts): Finding[] {
  if (!kernel)
    return [
      {
        check: "kernel",
        level: "warn",
        text: "could not be tried",
        remedy: "as root, with iproute2 installed, this is tried in a namespace",
      },
    ];
  const lacking = Object.entries(features).filter(([name]) => !kernel.has(name));
  if (lacking.length === 0) return [{ check: "kernel", level: "ok", text: Object.keys(features).join(", ") }];
  return lacking.map(([name, purpose]) => ({ check: "kernel", level: "fail", text: `no ${name}`, remedy: `needed for ${purpose}` }));
}

function memory({ memory: available, hasState }: Facts): Finding {
  const text = `${(available / GIB).toFixed(1)} GiB available`;
  if (hasState || available >= 4 * GIB) return { check: "memory", level: "ok", text };
  if (available >= 3 * GIB)
    return { check: "memory", level: "warn", text, remedy: "three nodes take up to 3 GiB: end something else first" };
  return { check: "memory", level: "fail", text, remedy: "three nodes take up to 3 GiB: free some, or give the machine more" };
}

function disk({ disk: { nodes, cache }, cacheRoot, hasState }: Facts): Finding {
  const text = `${(nodes / GIB).toFixed(0)} GiB free for nodes, ${(cache / GIB).toFixed(0)} GiB for the cache`;
  if (!hasState && nodes < 4 * GIB) return { check: "disk", level: "fail", text, remedy: "the nodes need 4 GiB below /var/lib: free some" };
  if (!hasState && cache < 3 * GIB)
    return { check: "disk", level: "fail", text, remedy: `downloads need 3 GiB in ${cacheRoot}: free some, or point PEAK_CACHE elsewhere` };
  if (cache < 14 * GIB)
    return {
      check: "disk",
      level: "warn",
      text,
      remedy: "where downloads are blocked, building the binaries takes up to 14 GiB in the caches of Peak and Go",
    };
  return { check: "disk", level: "ok", text };
}

function programs({ missing, apt }: Facts): Finding {
  if (missing.length === 0) return { check: "programs", level: "ok", text: "all there" };
  const text = `missing: ${missing.join(", ")}`;
  if (apt) return { check: "programs", level: "ok", text: `${text}; ./peak up installs them` };
  return { check: "programs", level: "fail", text, remedy: "install these with your system's package manager (the names are Debian's)" };
}

function toolchain({ cached, go, cacheRoot }: Facts): Finding {
  const text = cached.length > 0 ? `in ${cacheRoot}: ${cached.join(", ")}` : `nothing in ${cacheRoot} yet`;
  if (go !== undefined || cached.length >= 5)
    return { check: "toolchain", level: "ok", text: go === undefined ? text : `${text}; ${go} to build what cannot be downloaded` };
  return {
    check: "toolchain",
    level: "warn",
    text: `${text}; no Go`,
    remedy: "fine where downloads work; otherwise put a current Go on PATH",
  };
}

function leftovers({ present, stranger, hasState }: Facts): Finding {
  if (stranger !== undefined)
    return {
      check: "local stack",
      level: "fail",
      text: `this host has that of the clone in ${stranger}${present.length > 0 ? `: ${present.join(", ")}` : ""}`,
      remedy: `there is one local stack on a host: run ./peak destroy in ${stranger}, or work there`,
    };
  if (present.length === 0)
    return {
      check: "local stack",
      level: hasState ? "warn" : "ok",
      text: hasState ? "was brought up, but nothing runs" : "absent",
      ...(hasState && { remedy: "after a reboot of this host: ./peak up" }),
    };
  if (hasState) return { check: "local stack", level: "ok", text: "present" };
  return {
    check: "local stack",
    level: "warn",
    text: `this clone has no state of it, but there is something left: ${present.join(", ")}`,
    remedy: "./peak destroy removes it",
  };
}

/**
 * A route of the host as specific as ours would lead the stack's traffic elsewhere. A default route, or one to a larger network, does no
 * harm.
 */
function addresses({ prefixes, routes, ownLink }: Facts): Finding[] {
  const collisions = Object.entries(prefixes).flatMap(([key, text]) => {
    const own = prefixOf(text);
    if (!own) return []; // the program says what is wrong with it
    return routes
      .filter(({ destination, link }) => link !== ownLink && collides(own, destination))
      .map(({ destination, link }): Finding => ({
        check: "addresses",
        level: "fail",
        text: `this host reaches ${destination} by ${link}, and ${key} is ${text}`,
        remedy: `set ${key} in Pulumi.local.yaml to a prefix that is free`,
      }));
  });
  return collisions.length > 0 ? collisions : [{ check: "addresses", level: "ok", text: `free: ${Object.values(prefixes).join(", ")}` }];
}

function prefixOf(text: string): Prefix | undefined {
  try {
    return parsePrefix(text);
  } catch {
    return undefined;
  }
}

function collides(own: Prefix, destination: string): boolean {
  const route = parsePrefix(destination);
  return route.length >= own.length && overlaps(own, route);
}

/** A line a finding, and its remedy below it. */
export function findingsText(findings: readonly Finding[]): string {
  return findings
    .map(({ check, level, text, remedy }) => `${level.padEnd(4)}  ${check}: ${text}${remedy === undefined ? "" : `\n      ${remedy}`}\n`)
    .join("");
}
