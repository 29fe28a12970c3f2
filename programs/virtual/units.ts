import { createHash, randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { type Layout, SWITCH, directory } from "./layout.ts";
import { claim, lockUnit, refuseStranger } from "./owner.ts";
import { progress } from "./progress.ts";
import { type State, bootId, expectedStart, isRunning, processBorn, readState, writeState } from "./state.ts";

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

/**
 * Brings a unit up.
 * @param start what a start is to be called, see `expectedStart`
 * @returns its id, another one after each start
 */
export async function up(names: Layout, unit: Unit, start = expectedStart(unit.name, names)): Promise<{ name: string; id: string }> {
  await claim(names);
  using _lock = await lockUnit(names, unit.name);
  const spec = createHash("sha256").update(JSON.stringify(unit.spec)).digest("hex");
  let state = readState(names, unit.name);
  if (!state || state.spec !== spec || !isRunning(names, unit.name)) {
    if (unit.name !== SWITCH && !isRunning(names, SWITCH)) throw new Error(`${unit.name}: the switch that it is plugged into is not up`);
    progress(`${unit.name}: starting`);
    await unit.stop();
    state = describe(names, unit.name, { start, spec }, await unit.start());
    await writeState(names, unit.name, state);
  } else if (state.start !== start) {
    state = { ...state, start };
    await writeState(names, unit.name, state);
  }
  try {
    await unit.ready();
  } catch (error) {
    await unit.stop(); // the next try begins anew
    throw error;
  }
  return { name: unit.name, id: state.id };
}

/** Takes a unit down and removes its disk. */
export async function down(names: Layout, unit: Pick<Unit, "name" | "stop">): Promise<void> {
  await refuseStranger(names);
  using _lock = await lockUnit(names, unit.name);
  await unit.stop();
  await rm(directory(names, unit.name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function describe(names: Layout, unit: string, known: Pick<State, "start" | "spec">, pid: number | undefined): State {
  const state: State = { ...known, id: randomUUID(), boot: bootId() };
  const plugged = unit === SWITCH ? undefined : readState(names, SWITCH)?.id;
  if (plugged) state.switch = plugged;
  const born = pid === undefined ? undefined : processBorn(pid);
  if (pid !== undefined && born) state.process = { pid, born };
  return state;
}
