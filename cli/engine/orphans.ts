import { readdir, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "../paths.ts";

/** How long an interrupted engine may take to finish what it is at, in milliseconds. */
const GRACE = 10_000;

/** Ends an engine with its plugins and the commands that they run, at once. What those commands put into sessions of their own, such as virtual Pis, stays. */
export async function killEngine(stack: string): Promise<number> {
  const members = await engineProcesses(stack);
  for (const pid of members) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  return members.length;
}

/**
 * Ends what a killed ./peak left running, so that it does not work beside the next one. The engine is interrupted when its ./peak dies, so wait for it first.
 * @returns whether there was something
 */
export async function endOrphans(stack: string): Promise<boolean> {
  let found = false;
  for (let waited = 0; waited < GRACE && (await engineProcesses(stack)).length > 0; waited += 200) {
    found = true;
    await sleep(200);
  }
  if ((await killEngine(stack)) > 0) found = true;
  await rm(paths.enginePid(stack), { force: true });
  return found;
}

/** The processes of the engine's session. A process id may have passed to somebody else, so each must have our mark in its environment. */
async function engineProcesses(stack: string): Promise<number[]> {
  const file = paths.enginePid(stack);
  const session = (await readFile(file, "utf8").catch(() => "")).trim();
  if (session === "") return [];
  const members: number[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (parseStat(stat)?.session !== session) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(`PEAK_ENGINE_PID=${file}`)) members.push(Number(pid));
  }
  return members;
}

/** Fields of /proc/PID/stat; the command in parentheses may have anything in it. A zombie has ended. */
export function parseStat(stat: string): { session: string } | undefined {
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return session === undefined || state === "Z" ? undefined : { session };
}
