import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Layout, SWITCH, directory, layout, namespace } from "./layout.ts";

/** What is written down when a unit (a virtual host, or the switch) has been started. */
const stateSchema = z.strictObject({
  /** What the update that brought it up called this start, see `expectedStart`. */
  start: z.string(),
  /** Differs at each start. */
  id: z.string(),
  /** Boot of the host at which that was. */
  boot: z.string(),
  /** Hash of what the unit was started from. */
  spec: z.string(),
  /** The switch's id at that time: a host that was plugged into an earlier switch has no link any more. */
  switch: z.string().optional(),
  /** The unit's process, with its start time, because numbers are used again. */
  process: z.strictObject({ pid: z.int(), born: z.string() }).optional(),
});
export type State = z.infer<typeof stateSchema>;

/** State of a unit, or undefined if it was never started; a file that was cut short counts as none. */
export function readState(names: Layout, unit: string): State | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(stateFile(names, unit), "utf8")));
  } catch {
    return undefined;
  }
}

/** Replaces the state file in one step. */
export async function writeState(names: Layout, unit: string, state: State): Promise<void> {
  const file = stateFile(names, unit);
  await mkdir(directory(names, unit), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Whether the unit lives: its namespace, its link to the present switch, and its process. Reads only. */
export function isRunning(names: Layout, unit: string): boolean {
  const state = readState(names, unit);
  if (!state || state.boot !== bootId() || !existsSync(join("/run/netns", namespace(names, unit)))) return false;
  if (unit === SWITCH) return existsSync(join("/sys/class/net", names.link));
  if (!isRunning(names, SWITCH) || state.switch !== readState(names, SWITCH)?.id) return false;
  return state.process !== undefined && processBorn(state.process.pid) === state.process.born;
}

/**
 * What the unit's present start is called if it runs, else a new name for the one to come. As a part of a resource's inputs, this makes a
 * unit that is dead (this machine was rebooted) or lost a difference that the next update removes, and only that. Reads only.
 * @param unit a host's name, or `switch`
 */
export function expectedStart(unit: string, names: Layout = layout()): string {
  return (isRunning(names, unit) && readState(names, unit)?.start) || randomUUID();
}

/**
 * The machine id (machine-id(5)) on a virtual Pi's disk; where there is no disk, a new one for the disk to come. Reads only.
 * @param name the virtual Pi's name
 */
export function expectedMachineId(name: string, names: Layout = layout()): string {
  return machineId(name, names) ?? randomUUID().replaceAll("-", "");
}

/** The machine id on a virtual Pi's disk; undefined where there is no disk. Reads only. */
export function machineId(name: string, names: Layout = layout()): string | undefined {
  try {
    const id = readFileSync(join(upperLayer(names, name), "etc/machine-id"), "utf8").trim();
    if (/^[0-9a-f]{32}$/.test(id)) return id;
  } catch (error) {
    // Another user cannot look, and cannot bring it up either.
    if (!["ENOENT", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
  return undefined;
}

/** What a virtual Pi has written to its disk, on top of the root file system that all share. */
export function upperLayer(names: Layout, name: string): string {
  return join(directory(names, name), "upper");
}

/** Identifies this boot of the host. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Start time of a process in clock ticks since boot; undefined if there is none, or only its exit code is left. */
export function processBorn(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the name in parentheses, may have spaces and parentheses in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function stateFile(names: Layout, unit: string): string {
  return join(directory(names, unit), "state.json");
}
