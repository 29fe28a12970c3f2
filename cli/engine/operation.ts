import { join } from "node:path";
import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import type { Plan } from "../display/plan.ts";
import { type Changes, OperationProgress, type Step } from "../display/progress.ts";
import type { Screen } from "../display/screen.ts";
import { changesText, faultsText, nowText, stepText } from "../display/text.ts";
import { CliError, Interrupted, messageOf, UsageError } from "../errors.ts";
import { heardLate, interrupts } from "../interrupt.ts";
import { root } from "../paths.ts";
import { killEngine } from "./orphans.ts";
import { engineMessage } from "./environment.ts";
import { exportState, importState } from "./exported.ts";
import type { Session } from "./session.ts";
import { withoutProtection } from "./state.ts";
import { resolveSelection, type Selection } from "./targets.ts";

export type Operation = "up" | "refresh" | "destroy";

/**
 * Has the engine tell what an update would do. From then on the session knows the resources that the update will come to.
 * @throws as `operate`
 */
export async function preview(session: Session, screen: Screen, selection: Selection = {}): Promise<{ changes: Changes; plan: Plan }> {
  const progress = await follow(session, "preview", screen, selection);
  session.resources = [...progress.resources];
  return { changes: progress.changes, plan: { resources: progress.changed, outputs: progress.outputs } };
}

/**
 * Has the engine do an operation, and shows what it is at. Ctrl-C lets it finish what it has begun; a second one ends it at once.
 * @returns how many resources were changed how
 * @throws UsageError when the program refused its input, or the selection names nothing, before anything was changed; CliError with every
 *   fault; Interrupted
 */
export async function operate(session: Session, operation: Operation, screen: Screen, selection: Selection = {}): Promise<Changes> {
  return (await follow(session, operation, screen, selection)).changes;
}

async function follow(session: Session, operation: Operation | "preview", screen: Screen, selection: Selection): Promise<OperationProgress> {
  const selected = await resolve(session, selection);
  const started = Date.now();
  const progress = new OperationProgress(session.resources);
  // A preview takes no time that a step could be told after, and comes to a component's resources in any order: it is told as a whole.
  const tell = (steps: Step[]) => {
    if (operation !== "preview") for (const step of steps) screen.line(stepText(step));
  };
  const warned = new Set<string>();
  using interrupt = interrupts(
    () => screen.line("stopping after what has been begun; Ctrl-C again ends it at once"),
    () => void killEngine(session.enginePid),
  );
  screen.status(() => nowText(operation, progress, started, Date.now()));
  try {
    await call(session.stack, operation, {
      ...(session.configFile !== undefined && { configFile: session.configFile }),
      showSecrets: false,
      color: "never",
      signal: heardLate(interrupt.signal),
      ...selected,
      policyPacks: [join(root, "policy", "pack")],
      onEvent: (event) => {
        tell(progress.apply(event, Date.now()));
        for (const warning of progress.warnings.filter((warning) => !warned.has(warning))) {
          warned.add(warning);
          screen.line(`warning: ${warning}`);
        }
      },
    });
    // What is asked after a preview, and done then, is not any more.
    if (interrupt.signal.aborted && operation === "preview") throw new Interrupted("stopped; nothing was changed");
  } catch (error) {
    if (interrupt.signal.aborted)
      throw new Interrupted(`stopped; ${operation === "preview" ? "nothing was changed" : "the same command goes on from here"}`);
    if (session.programError !== undefined && Object.keys(progress.changes).every((op) => op === "same")) {
      if (isDefect(session.programError)) throw session.programError;
      await session.refuse();
      throw new UsageError(`${messageOf(session.programError)}\nNothing was changed.`);
    }
    const faults = progress.faults.length > 0 ? faultsText(progress.faults) : engineMessage(messageOf(error));
    throw new CliError(
      `${operation} failed after ${changesText(progress.changes, operation === "preview" ? "planned" : "past")}:\n${faults}`,
    );
  } finally {
    screen.status(undefined);
    tell(progress.rest());
  }
  return progress;
}

async function resolve(session: Session, selection: Selection): Promise<ReturnType<typeof resolveSelection>> {
  try {
    return resolveSelection(session.name, selection, session.resources);
  } catch (error) {
    await session.refuse();
    throw error;
  }
}

interface CallOptions {
  configFile?: string;
  showSecrets: boolean;
  color: "never";
  signal: AbortSignal;
  target?: string[];
  replace?: string[];
  policyPacks: string[];
  onEvent: (event: EngineEvent) => void;
}

/** The policies are for what the program wants, so only where it runs. */
async function call(stack: Stack, operation: Operation | "preview", { policyPacks, ...options }: CallOptions): Promise<void> {
  // One host that does not answer keeps the others from nothing.
  const continueOnError = true;
  options.signal.throwIfAborted();
  if (operation === "up") await stack.up({ ...options, policyPacks, continueOnError });
  else if (operation === "preview") await stack.preview({ ...options, policyPacks });
  else if (operation === "refresh") await stack.refresh(options);
  else {
    await importState(stack, withoutProtection(await exportState(stack), options.target));
    options.signal.throwIfAborted();
    await stack.destroy({ ...options, continueOnError, targetDependents: options.target !== undefined });
  }
}

/** An error that the program does not throw on purpose. */
function isDefect(error: unknown): boolean {
  return [TypeError, ReferenceError, SyntaxError, RangeError].some((type) => error instanceof type) || !(error instanceof Error);
}
