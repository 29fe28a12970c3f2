import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { during, progressOf, type Screen } from "../display/screen.ts";
import { BusyError, CliError, messageOf } from "../errors.ts";
import { paths, root, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";
import { ask, backendFault, engineBinary, hasLocalState, isAbsent, makeBackend, PROJECT, useBackend } from "./environment.ts";
import { exportState } from "./exported.ts";
import { backendDirectory, backendLocks, isHeld } from "./locks.ts";
import { endOrphans } from "./orphans.ts";
import { enginePath } from "./plugins.ts";
import { type KeyStep, localKeys, takeStep } from "./keys.ts";
import { clearPending, hasMemory } from "./recovery.ts";
import { committedStackFile, ownStackFile } from "./stack-file.ts";
import { type KnownResource, knownResources, pendingCount } from "./state.ts";

/** A stack that is ready to be worked on. */
export interface Session {
  name: string;
  stack: Stack;
  /** The configuration in place of Pulumi.STACK.yaml. */
  configFile: string | undefined;
  /** File with the process id of the engine that works on it. */
  enginePid: string;
  /** The resources that the state has, the stack itself and the providers apart. */
  resources: KnownResource[];
  /** What the program threw, in our own process; the engine knows only that something was. */
  programError: unknown;
  /** Takes back what opening has written down of what was asked for, since the program refuses it. */
  refuse(): Promise<void>;
}

export interface OpenOptions {
  /** How many nodes the local stack is to have from now on. */
  nodes?: number | undefined;
  /** A step of a rotation that is to be taken. */
  keys?: KeyStep | undefined;
  signal: AbortSignal;
}

/**
 * Opens a stack to change it: brings the engine and the plugins, makes the stack if there is none, and clears what a killed run left behind
 * (a lock of a dead engine, operations without a known end), saying so. When it cannot be opened, what was asked for is not written down.
 */
export async function openSession(name: string, screen: Screen, { nodes, keys, signal }: OpenOptions): Promise<Session> {
  const committed = await committedStackFile(name);
  const engine = await bringEngine(name, screen, signal);
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  const written: (() => Promise<void>)[] = [];
  const refuse = async () => {
    for (const takeBack of written.splice(0)) await takeBack();
  };
  try {
    if (keys) written.push(await takeStep(name, keys));
    if (name === LOCAL) written.push(await initLocal(engine, committed, nodes));
    else await initOther(name, engine);
    if (await endOrphans(name)) screen.line("an earlier run was killed: what it left running has been ended");
    const configFile = name === LOCAL ? paths.config : undefined;
    const session = await sessionOf({ name, configFile, enginePid: paths.enginePid(name), refuse });
    await recover(session, screen, signal);
    signal.throwIfAborted();
    return session;
  } catch (error) {
    await refuse();
    throw error;
  }
}

/** Brings the engine and the plugins, and points this process to them and to the stack's backend. Writes to the cache only. */
export async function bringEngine(stack: string, screen: Screen, signal: AbortSignal): Promise<string> {
  process.chdir(root); // as the official CLI does: the program's paths are relative to the project
  const progress = progressOf(screen);
  const engine = await during(screen, "getting the Pulumi engine", () => engineBinary(progress, signal));
  // That a download is not to be had is no news where the bundled plugins are.
  const quietly = { ...progress, step: progress.update };
  const path = await during(screen, "getting the Pulumi plugins", () => enginePath(quietly, signal));
  useBackend(stack);
  process.env["PATH"] = path;
  process.env["PEAK_ENGINE"] = engine;
  return engine;
}

/**
 * A session on a stack that is there.
 * @param env what the engine gets besides our own environment
 */
export async function sessionOf(
  described: Pick<Session, "name" | "configFile" | "enginePid" | "refuse">,
  env: Record<string, string> = {},
): Promise<Session> {
  const { name, enginePid } = described;
  let programError: unknown;
  const workspace = await LocalWorkspace.create({
    workDir: root,
    // index.ts, loaded when the engine asks for it: the SDK has to be set up for the run by then.
    program: async () => {
      try {
        const { default: program } = (await import("../../index.ts")) as { default: PulumiFn };
        return await program();
      } catch (error) {
        programError = error;
        throw error;
      }
    },
    envVars: { ...env, PEAK_ENGINE_PID: enginePid },
    pulumiCommand: await PulumiCommand.get({ root: import.meta.dirname }),
  });
  // Whichever stack the user has selected for the project stays so: all calls name theirs.
  workspace.selectStack = async () => {};
  const stack = await Stack.select(name, workspace);
  return {
    ...described,
    stack,
    resources: [],
    get programError() {
      return programError;
    },
  };
}

/**
 * Makes the local stack in its file backend, and its configuration. `stack init` writes a salt beside the Pulumi.yaml that it runs by; a
 * copy of that file keeps the committed Pulumi.local.yaml clean.
 * @returns how to take back the number of nodes that was asked for
 */
async function initLocal(engine: string, committed: string, nodes: number | undefined): Promise<() => Promise<void>> {
  await makeBackend();
  if (!(await hasLocalState())) {
    await copyFile(join(root, "Pulumi.yaml"), join(workDir, "Pulumi.yaml"));
    await rm(paths.config, { force: true });
    await ask(engine, ["stack", "init", LOCAL, "--no-select"], { cwd: workDir }).catch((error: unknown) => {
      throw new CliError(`the engine cannot keep a state in ${paths.state}: ${messageOf(error)}`);
    });
  }
  const before = await nodesAskedFor();
  const configure = async (count: number | undefined): Promise<void> => {
    if (count === undefined) await rm(paths.nodes, { force: true });
    else await writeFile(paths.nodes, `${count}\n`, { mode: 0o600 });
    const own = await readFile(paths.config, "utf8").catch(() => "");
    await writeFile(paths.config, ownStackFile(committed, own, { nodes: count, keys: await localKeys() }), { mode: 0o600 });
  };
  await configure(nodes ?? before);
  return () => configure(before);
}

/**
 * Makes a stack in the backend that the user is logged in to, unless it is there. Its salt goes to its Pulumi.STACK.yaml, as `pulumi stack
 * init` has it.
 */
async function initOther(name: string, engine: string): Promise<void> {
  try {
    await ask(engine, ["stack", "--show-name", "--stack", name]);
  } catch (error) {
    if (!isAbsent(messageOf(error))) throw backendFault(name, error);
    await ask(engine, ["stack", "init", name, "--no-select"]).catch((error: unknown) => {
      throw backendFault(name, error);
    });
  }
}

/** What `--nodes` has asked for since the local stack was brought up. */
export async function nodesAskedFor(): Promise<number | undefined> {
  const text = await readFile(paths.nodes, "utf8").catch(() => undefined);
  return text === undefined ? undefined : Number(text);
}

async function recover(session: Session, screen: Screen, signal: AbortSignal): Promise<void> {
  const directory = session.name === LOCAL ? paths.state : backendDirectory((await session.stack.workspace.whoAmI()).url);
  const locks = directory === undefined ? [] : await backendLocks(directory, PROJECT, session.name);
  for (const lock of locks) {
    if (!(await isHeld(lock))) continue;
    const elsewhere = lock.hostname === hostname() ? "" : `; if it was killed there, ./peak --stack ${session.name} pulumi cancel removes its lock`;
    throw new BusyError(`another run is working on the stack ${session.name} (process ${lock.pid} on ${lock.hostname}): wait for it to end${elsewhere}`);
  }
  if (locks.length > 0) {
    screen.line("an earlier run was killed: its lock on the state has been removed");
    await session.stack.cancel();
  }
  const state = await exportState(session.stack).catch((error: unknown) => {
    throw backendFault(session.name, error);
  });
  session.resources = knownResources(state);
  const pending = pendingCount(state);
  const memory = paths.begun(session.name);
  if (pending > 0) screen.line(`an earlier run was interrupted: ${pending} unfinished ${pending === 1 ? "operation is" : "operations are"} done again`);
  if (pending > 0 || (await hasMemory(memory))) {
    const { stack, configFile } = session;
    const options = { memory, signal, ...(configFile && { configFile }) };
    signal.throwIfAborted();
    const fault = await during(screen, "looking for what an interrupted run had begun", () => clearPending(stack, state, options));
    if (fault !== undefined) {
      screen.line(`what an interrupted run had begun to make in the cluster cannot be looked for now, the next run tries again: ${fault}`);
    }
    session.resources = knownResources(await exportState(stack));
  }
}
