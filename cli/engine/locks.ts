import { readdir, readFile } from "node:fs/promises";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";

/** A lock of the file backend: who holds it. */
const lockFile = z.object({ pid: z.int(), hostname: z.string(), timestamp: z.string() });
export type BackendLock = z.infer<typeof lockFile>;

/** Where a file backend keeps its states; undefined for a backend of another kind, whose locks are not this machine's to judge. */
export function backendDirectory(url: string | undefined): string | undefined {
  const path = /^file:\/\/([^?]+)/.exec(url ?? "")?.[1];
  return path === undefined ? undefined : resolve(path.replace(/^~(?=\/|$)/, homedir()));
}

/**
 * Locks on a stack of a file backend; a file that cannot be parsed was half written by a killed engine and counts as held by nobody (pid
 * 0).
 */
export async function backendLocks(directory: string, project: string, stack: string): Promise<BackendLock[]> {
  const dir = join(directory, ".pulumi", "locks", "organization", project, stack);
  const files = (await readdir(dir).catch(() => [])).filter((file) => file.endsWith(".json"));
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(dir, file), "utf8").catch(() => "");
      try {
        return lockFile.parse(JSON.parse(text));
      } catch {
        return { pid: 0, hostname: hostname(), timestamp: "" };
      }
    }),
  );
}

/** What can be known of a process of this host. */
export interface ProcessTable {
  hostname: string;
  /** Name of the program that runs under a process id; undefined if there is none. */
  program(pid: number): Promise<string | undefined>;
}

export const thisHost: ProcessTable = {
  hostname: hostname(),
  async program(pid) {
    if (pid <= 0) return undefined;
    return programOf(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ""));
  },
};

/** The program in a /proc/PID/stat; none where there is no such process, and for a zombie, which has ended and is only not yet taken note of. */
export function programOf(stat: string): string | undefined {
  const [, name, state] = /^\d+ \((.*)\) (\w)/s.exec(stat) ?? [];
  return state === "Z" || state === "X" ? undefined : name;
}

/**
 * Whether a lock's holder lives: a process of that id which is an engine (after a reboot the id may be anybody's), or one on another host.
 */
export async function isHeld(lock: BackendLock, processes: ProcessTable = thisHost): Promise<boolean> {
  if (lock.hostname !== processes.hostname) return true;
  return (await processes.program(lock.pid)) === "pulumi";
}
