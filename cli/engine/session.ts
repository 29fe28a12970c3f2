import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LocalWorkspace, PulumiCommand, type PulumiFn, Stack } from "@pulumi/pulumi/automation/index.js";
import { CommandError, run } from "../../shell/run.ts";
import { during, progressOf, type Screen } from "../display/screen.ts";
import { CliError, messageOf, UsageError } from "../errors.ts";
import { paths, root, workDir } from "../paths.ts";
import { LOCAL } from "../stacks.ts";
import { engineBinary, hasLocalState, PROJECT, useBackend } from "./environment.ts";
import { backendLocks, isHeld } from "./locks.ts";
import { endOrphans } from "./orphans.ts";
import { type ExportedStack, type KnownResource, knownResources, pendingCount, withoutPending } from "./state.ts";
import { enginePath } from "./plugins.ts";
import { checkKeys, ownStackFile } from "./stack-file.ts";

/** A stack that is ready to be worked on. */
export interface Session {
  name: string;
  stack: Stack;
  /** The configuration in place of Pulumi.STACK.yaml. */
  configFile: string | undefined;
  /** The resources that the state has, the stack itself and the providers apart. */
  resources: KnownResource[];
  /** What the program threw, in our own process; the engine knows only that something was. */
  programError: unknown;
}

export interface OpenOptions {
  /** How many nodes the local stack is to have from now on. */
  nodes?: number | undefined;
  signal: AbortSignal;
}

/**
 * Opens a stack: brings the engine and the plugins, makes the stack if there is none, and clears what a killed run left behind (a lock of a
 * dead engine, operations without a known end), saying so.
 */
export async function openSession(name: string, screen: Screen, { nodes, signal }: OpenOptions): Promise<Session> {
  process.chdir(root); // as the official CLI does: the program's paths are relative to the project
  const project = await readFile(join(root, "Pulumi.yaml"), "utf8");
  const file = `Pulumi.${name}.yaml`;
  const committed = await readFile(join(root, file), "utf8");
  checkKeys(project, { name: file, text: committed });

  const progress = progressOf(screen);
  const engine = await during(screen, "getting the Pulumi engine", () => engineBinary(progress, signal));
  // That a download is not to be had is no news where the bundled plugins are.
  const quietly = { ...progress, step: progress.update };
  const path = await during(screen, "getting the Pulumi plugins", () => enginePath(quietly, signal));
  await useBackend(name);
  process.env["PATH"] = path;
  process.env["PEAK_ENGINE"] = engine;
  await mkdir(workDir, { recursive: true, mode: 0o700 });
  process.env["PEAK_ENGINE_PID"] = paths.enginePid(name);

  const configFile = name === LOCAL ? await initLocal(engine, committed, nodes) : undefined;
  if (await endOrphans(name)) screen.line("an earlier run was killed: what it left running has been ended");

  const session: Session = { name, configFile, resources: [], programError: undefined, stack: undefined as unknown as Stack };
  const workspace = await LocalWorkspace.create({
    workDir: root,
    program: programOf(session),
    pulumiCommand: await PulumiCommand.get({ root: import.meta.dirname }),
  });
  session.stack = await (configFile === undefined ? Stack.createOrSelect(name, workspace) : Stack.select(name, workspace)).catch(
    (error: unknown) => {
      throw /PULUMI_ACCESS_TOKEN must be set|run .?pulumi login/.test(messageOf(error)) ? new UsageError(noBackend(name)) : error;
    },
  );
  await recover(session, screen);
  return session;
}

function noBackend(stack: string): string {
  return (
    `the stack ${stack} keeps its state in the Pulumi backend that you are logged in to, and you are logged in to none. ` +
    "Use `pulumi login`, or set PULUMI_BACKEND_URL, e.g. to file://$HOME/peak-state"
  );
}

/** index.ts, loaded when the engine asks for it: the SDK has to be set up for the run by then. */
function programOf(session: Session): PulumiFn {
  return async () => {
    try {
      const { default: program } = (await import("../../index.ts")) as { default: PulumiFn };
      return await program();
    } catch (error) {
      session.programError = error;
      throw error;
    }
  };
}

/**
 * Makes the local stack in its file backend, and its configuration. `stack init` writes a salt beside the Pulumi.yaml that it runs by; a
 * copy of that file keeps the committed Pulumi.local.yaml clean.
 */
async function initLocal(engine: string, committed: string, nodes: number | undefined): Promise<string> {
  const configFile = join(workDir, `Pulumi.${LOCAL}.yaml`);
  if (!(await hasLocalState())) {
    await copyFile(join(root, "Pulumi.yaml"), join(workDir, "Pulumi.yaml"));
    await rm(configFile, { force: true });
    await run(engine, ["stack", "init", LOCAL, "--no-select", "--non-interactive"], { cwd: workDir }).catch((error: unknown) => {
      const said = error instanceof CommandError ? error.said : messageOf(error);
      throw new CliError(`the engine cannot keep a state in ${paths.state}: ${said}`);
    });
  }
  const own = await readFile(configFile, "utf8").catch(() => "");
  await writeFile(configFile, ownStackFile(committed, own, nodes), { mode: 0o600 });
  return configFile;
}

async function recover(session: Session, screen: Screen): Promise<void> {
  if (session.name === LOCAL) {
    const locks = await backendLocks(PROJECT, session.name);
    for (const lock of locks) {
      if (await isHeld(lock))
        throw new CliError(`another run is working on the stack ${session.name} (process ${lock.pid} on ${lock.hostname})`);
    }
    if (locks.length > 0) {
      screen.line("an earlier run was killed: its lock on the state has been removed");
      await session.stack.cancel();
    }
  }
  const state = (await session.stack.exportStack()) as ExportedStack;
  session.resources = knownResources(state);
  const pending = pendingCount(state);
  if (pending > 0) {
    screen.line(`an earlier run was interrupted: ${pending} unfinished ${pending === 1 ? "operation is" : "operations are"} done again`);
    await session.stack.importStack(withoutPending(state) as Parameters<Stack["importStack"]>[0]);
  }
}
