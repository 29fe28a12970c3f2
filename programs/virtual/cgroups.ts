import { existsSync } from "node:fs";
import { readFile, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";

/** The mounted hierarchies: the one of cgroup v2, or those of v1. */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(ROOT, "cgroup.controllers"))) return [ROOT];
  const names = await readdir(ROOT);
  return names.map((name) => join(ROOT, name)).filter((path) => existsSync(join(path, "cgroup.procs")));
}

/** The cgroup directories of that name, in each hierarchy; only those that exist. `name` is a path below the root, e.g. `peak/pi1`. */
export async function cgroupDirectories(name: string): Promise<string[]> {
  return (await hierarchies()).map((root) => join(root, name)).filter((path) => existsSync(path));
}

/** Processes in a cgroup and those below it. */
export async function cgroupProcesses(name: string): Promise<number[]> {
  const pids = new Set<number>();
  for (const directory of await cgroupDirectories(name)) {
    for (const path of await tree(directory)) {
      const procs = await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "");
      for (const pid of procs.split("\n")) if (Number(pid) > 0) pids.add(Number(pid));
    }
  }
  return [...pids];
}

/** Kills all that runs in a cgroup, and removes it. Children that are born meanwhile die in the next round. */
export async function removeCgroup(name: string): Promise<void> {
  await killAll(() => cgroupProcesses(name), `cgroup ${name}`);
  for (const directory of await cgroupDirectories(name)) {
    for (const path of (await tree(directory)).reverse()) await removeDirectory(path);
  }
}

/** Kills the processes that `find` finds, until it finds none. Throws if some survive for 20 seconds. */
export async function killAll(find: () => Promise<number[]>, what: string): Promise<void> {
  for (let round = 0; round < 400; round++) {
    const pids = await find();
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await sleep(50);
  }
  throw new Error(`${what}: these processes cannot be killed: ${(await find()).join(" ")}`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A cgroup stays busy for a moment after its last process is gone. */
async function removeDirectory(path: string): Promise<void> {
  for (let round = 0; ; round++) {
    try {
      return await rmdir(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || round === 100) throw error;
      await sleep(50);
    }
  }
}

/** A directory and all below it, parents first. */
async function tree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => tree(join(directory, entry.name))));
  return [directory, ...below.flat()];
}
