import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { type Layout, SWITCH, directory } from "./layout.ts";
import { claim, lockUnit, refuseStranger } from "./owner.ts";
import { progress } from "./progress.ts";
import { type State, bootId, isRunning, processBorn, readState, writeState } from "./state.ts";

/** How one kind of unit (the switch, a virtual Pi, a client emulator) comes into being and ends. */
export interface Unit {
  readonly name: string;
  /** All that the running unit depends on. A unit that was started from something else is started anew. */
  readonly spec: unknown;
  /** Starts it from nothing; resolves to the number of its process if it has one. */
  start(): Promise<number | undefined>;
  /** Resolves when it is ready for use; throws if it will not be. Called each time, so it also looks at a unit that was up already. */
  ready(): Promise<void>;
  /** Ends all of it except for its disk, whatever there is of it. */
  stop(): Promise<void>;
}

/** Brings a unit up, and resolves to the number of times that it has been started. */
export async function up(names: Layout, unit: Unit): Promise<{ name: string; starts: number }> {
  await claim(names);
  using _lock = await lockUnit(names, unit.name);
  const spec = createHash("sha256").update(JSON.stringify(unit.spec)).digest("hex");
  let state = readState(names, unit.name);
  if (!state || state.spec !== spec || !isRunning(names, unit.name)) {
    if (unit.name !== SWITCH && !isRunning(names, SWITCH)) throw new Error(`${unit.name}: the switch that it is plugged into is not up`);
    const starts = (state?.starts ?? 0) + 1;
    progress(`${unit.name}: starting`);
    await unit.stop();
    state = describe(names, unit.name, { starts, spec }, await unit.start());
    await writeState(names, unit.name, state);
  }
  try {
    await unit.ready();
  } catch (error) {
    await unit.stop(); // the next try begins anew
    throw error;
  }
  return { name: unit.name, starts: state.starts };
}

/** Takes a unit down and removes its disk. */
export async function down(names: Layout, unit: Pick<Unit, "name" | "stop">): Promise<void> {
  await refuseStranger(names);
  using _lock = await lockUnit(names, unit.name);
  await unit.stop();
  await rm(directory(names, unit.name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function describe(names: Layout, unit: string, known: Pick<State, "starts" | "spec">, pid: number | undefined): State {
  const state: State = { ...known, id: randomUUID(), boot: bootId() };
  const plugged = unit === SWITCH ? undefined : readState(names, SWITCH)?.id;
  if (plugged) state.switch = plugged;
  const born = pid === undefined ? undefined : processBorn(pid);
  if (pid !== undefined && born) state.process = { pid, born };
  return state;
}
