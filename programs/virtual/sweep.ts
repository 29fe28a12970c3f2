import { existsSync, readFileSync } from "node:fs";
import { readFile, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../shell/run.ts";
import { cgroupDirectories, cgroupProcesses, removeCgroup } from "./cgroups.ts";
import { type Layout, directory } from "./layout.ts";
import { namespaceProcesses, removeNamespace } from "./links.ts";
import { lockUnit, refuseStranger } from "./owner.ts";

/** All that the local stack has on this host; nothing but empty lists when it has nothing. */
export interface Listing {
  processes: { pid: number; command: string }[];
  namespaces: string[];
  links: string[];
  routes: string[];
  mounts: string[];
  cgroups: string[];
  directories: string[];
}

/** Lists what there is. Changes nothing. */
export async function list(names: Layout): Promise<Listing> {
  const namespaces = (await entries("/run/netns")).filter((name) => name.startsWith(`${names.prefix}-`));
  const pids = new Set(await cgroupProcesses(names.prefix));
  for (const name of namespaces) for (const pid of await namespaceProcesses(name)) pids.add(pid);
  return {
    processes: [...pids].map((pid) => ({ pid, command: command(pid) })),
    namespaces,
    links: (await entries("/sys/class/net")).filter((name) => name === names.link),
    routes: await routes(names),
    mounts: await mounts(names),
    cgroups: await cgroupDirectories(names.prefix),
    directories: [
      ...(existsSync(names.state) ? [names.state] : []),
      ...(await entries("/etc/netns")).filter((name) => name.startsWith(`${names.prefix}-`)).map((name) => join("/etc/netns", name)),
    ],
  };
}

/** Removes all that `list` lists, whatever state it is in, disks included. Resolves to what is left, which is nothing. */
export async function sweep(names: Layout): Promise<Listing> {
  await refuseStranger(names);
  {
    const units = await entries(directory(names, ""));
    using _locks = await lockAll(names, units);
    await removeCgroup(names.prefix);
    const found = await list(names);
    for (const name of found.namespaces) await removeNamespace(name);
    for (const link of found.links) await run("ip", ["link", "del", link]).catch(() => {}); // gone with its namespace
    for (const mount of found.mounts.reverse()) await run("umount", ["--lazy", mount]);
    for (const path of found.directories) await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  // The parents, unless they are somebody else's too.
  for (const path of [dirname(names.state), "/etc/netns"]) await rmdir(path).catch(() => {});
  await forgetNamespaceMount();
  return list(names);
}

/** No process that an earlier run has left behind works on a unit while it is removed. */
async function lockAll(names: Layout, units: readonly string[]): Promise<Disposable> {
  const stack = new DisposableStack();
  for (const unit of [...units].sort()) stack.use(await lockUnit(names, unit));
  return stack;
}

/** `ip netns add` mounts its directory on itself; once that is empty, nobody misses it. */
async function forgetNamespaceMount(): Promise<void> {
  if (!existsSync("/run/netns") || (await entries("/run/netns")).length > 0) return;
  await run("umount", ["/run/netns"]).catch(() => {});
  await rmdir("/run/netns").catch(() => {});
}

async function routes(names: Layout): Promise<string[]> {
  if (!existsSync(join("/sys/class/net", names.link))) return [];
  const text = await run("ip", ["-6", "route", "show", "dev", names.link]).catch(() => "");
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Mount points below our directory. */
async function mounts(names: Layout): Promise<string[]> {
  const table = await readFile("/proc/self/mountinfo", "utf8");
  const points = table.split("\n").map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point === names.state || point.startsWith(`${names.state}/`));
}

async function entries(path: string): Promise<string[]> {
  return (await readdir(path).catch(() => [])).sort();
}

function command(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
