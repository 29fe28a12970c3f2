import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layout } from "../../programs/virtual/layout.ts";

/** Start of the directory of a copy that this process makes. */
export const prefix = join(tmpdir(), `peak-e2e-${process.pid}-`);

/** The copy of the project that a killed run of the tests has left, by what is written of a local stack's owner; undefined if there is none. */
export function leftCopy(owner: string): string | undefined {
  const maker = owner.startsWith(join(tmpdir(), "peak-e2e-")) ? /peak-e2e-(?:(\d+)-)?\w+$/.exec(owner) : null;
  if (!maker || !existsSync(owner)) return undefined;
  if (maker[1] !== undefined && existsSync(`/proc/${maker[1]}`)) throw new Error(`process ${maker[1]} runs these tests already, in ${owner}`);
  return owner;
}

/** Takes down the local stack of this name that a killed run of the tests has left up, and removes its copy of the project. */
export function endLeftover(name: string): void {
  const { state } = layout({ PEAK_LOCAL_NAME: name });
  const file = join(state, "owner");
  const copy = leftCopy(existsSync(file) ? readFileSync(file, "utf8") : "");
  if (copy === undefined) return;
  const { status } = spawnSync("./peak", ["destroy"], { cwd: copy, env: { ...process.env, PEAK_LOCAL_NAME: name }, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`a killed run has left its stack in ${copy}, and ./peak destroy there ended with ${status}`);
  rmSync(copy, { recursive: true, force: true });
}
