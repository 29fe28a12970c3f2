import { readdir, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { paths } from "../paths.ts";

/** How long an interrupted engine may take to finish what it is at, in milliseconds. */
const GRACE = 10_000;

/**
 * Ends an engine with its plugins and the commands that they run, at once. What those commands put into sessions of their own, such as
 * virtual Pis, stays.
 * @param pidFile the session's `enginePid`
 */
export async function killEngine(pidFile: string): Promise<void> {
  const { members } = await engineProcesses(pidFile);
  for (const pid of members) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/**
 * Ends what a killed ./peak left running, so that it does not work beside the next one. The engine is interrupted when its ./peak dies, so
 * wait for it first.
 * @returns whether there was something
 */
export async function endOrphans(stack: string): Promise<boolean> {
  const file = paths.enginePid(stack);
  const { session, members } = await engineProcesses(file);
  for (let waited = 0; waited < GRACE && (await engineProcesses(file)).members.includes(session); waited += 200) await sleep(200);
  await killEngine(file);
  // A killed process may still be at its end.
  for (let waited = 0; waited < GRACE && (await engineProcesses(file)).members.length > 0; waited += 50) await sleep(50);
  await rm(file, { force: true });
  return members.length > 0;
}

/** The processes of the engine's session. A process id may have passed to somebody else, so each must have our mark in its environment. */
async function engineProcesses(file: string): Promise<{ session: number; members: number[] }> {
  const session = Number(await readFile(file, "utf8").catch(() => "0"));
  const members: number[] = [];
  for (const pid of session > 0 ? (await readdir("/proc")).filter((name) => /^\d+$/.test(name)) : []) {
    if (sessionOf(await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")) !== session) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(`PEAK_ENGINE_PID=${file}`)) members.push(Number(pid));
  }
  return { session, members };
}

/** The session in a /proc/PID/stat, whose command in parentheses may have anything in it; none for a zombie, which has ended. */
export function sessionOf(stat: string): number | undefined {
  const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return session === undefined || state === "Z" ? undefined : Number(session);
}
