import { readdirSync, readFileSync } from "node:fs";

/** CPU time and memory of a process and all that it started, from /proc. */

/** Clock ticks a second: USER_HZ, the same on every Linux that Node runs on. */
const TICKS = 100;
const PAGE_KIB = 4;

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly residentPages: number;
}

function readStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // the command in parentheses may hold anything; fields are counted from behind it: state is field 3
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17), residentPages: field(24) };
}

/** User and system seconds, and resident mebibytes (pages shared between processes count in each). */
export function usage(root: number): { cpuSeconds: number; residentMib: number } {
  const stats = new Map<number, Stat>();
  for (const entry of readdirSync("/proc")) {
    const stat = /^\d+$/.test(entry) ? readStat(Number(entry)) : undefined;
    if (stat) stats.set(Number(entry), stat);
  }
  const isOurs = (pid: number): boolean =>
    pid === root || (stats.has(pid) && stats.get(pid)!.parent !== pid && isOurs(stats.get(pid)!.parent));
  let ticks = 0;
  let pages = 0;
  for (const [pid, stat] of stats) {
    if (!isOurs(pid)) continue;
    ticks += stat.ticks;
    pages += stat.residentPages;
  }
  return { cpuSeconds: ticks / TICKS, residentMib: (pages * PAGE_KIB) / 1024 };
}
