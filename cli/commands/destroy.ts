import { Command } from "commander";
import { purge } from "../../toolchain/cache.ts";
import { confirm, requireAnswer } from "../confirm.ts";
import { during, type Screen, screenOn } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { BusyError, CliError, Interrupted, messageOf } from "../errors.ts";
import { LOCAL, stackOf, stackOption, targetOption } from "../stacks.ts";

interface DestroyOptions {
  purge?: boolean;
  yes?: boolean;
  target: string[];
}

/** `./peak destroy`: removes the stack, with all that it has on this host. */
export function destroy(): Command {
  return new Command("destroy")
    .description("remove a stack and all that belongs to it, or a part of it")
    .addOption(stackOption())
    .addOption(targetOption("remove this and what depends on it alone; `up` makes it again").conflicts("purge"))
    .option("--purge", "empty the cache of downloads and builds as well")
    .option("-y, --yes", "do not ask before a stack other than local is destroyed")
    .action(async ({ purge: emptyCache, yes = false, target }: DestroyOptions, command: Command) => {
      const stack = stackOf(command);
      using screen = screenOn(process.stderr);
      if (target.length > 0) await destroyPart(stack, screen, yes, target);
      else if (stack === LOCAL) await destroyLocal(screen);
      else await destroyOther(stack, screen, yes);
      if (emptyCache) {
        const { busy } = await during(screen, "emptying the cache", purge);
        if (busy.length > 0) throw new CliError(`the cache is not empty: another run is making ${busy.join(", ")}`);
        screen.line("the cache is empty");
      }
    });
}

async function destroyPart(stack: string, screen: Screen, yes: boolean, target: string[]): Promise<void> {
  if (stack !== LOCAL) requireAnswer(`destroy a part of the stack ${stack}`, yes);
  const { requireThere } = await import("../engine/outputs.ts");
  await requireThere(stack);
  const { workOn } = await import("../engine/work.ts");
  const { operate } = await import("../engine/operation.ts");
  const changes = await workOn(stack, screen, {}, async (session) => {
    if (stack !== LOCAL) await confirm(`destroy ${target.join(", ")} of the stack ${stack}, and what depends on that`, yes);
    return operate(session, "destroy", screen, { target });
  });
  screen.line(`destroy: ${changesText(changes)}`);
}

async function destroyOther(stack: string, screen: Screen, yes: boolean): Promise<void> {
  requireAnswer(`destroy the stack ${stack}`, yes);
  const { requireThere } = await import("../engine/outputs.ts");
  await requireThere(stack);
  const { workOn } = await import("../engine/work.ts");
  const { operate } = await import("../engine/operation.ts");
  const { forgetStack } = await import("../engine/forget.ts");
  const changes = await workOn(stack, screen, {}, async (session) => {
    await confirm(`destroy the stack ${stack}, ${session.resources.length} resources`, yes);
    return operate(session, "destroy", screen);
  });
  await forgetStack(stack);
  screen.line(`destroy: ${changesText(changes)}`);
}

/** Has the engine destroy what it knows of, then removes what is left on this host: also where the state is lost or out of date. */
async function destroyLocal(screen: Screen): Promise<void> {
  const { requireRoot } = await import("../doctor/require.ts");
  const { lockStack } = await import("../engine/run-lock.ts");
  const { hasLocalState } = await import("../engine/environment.ts");
  const { forgetLocalStack } = await import("../engine/forget.ts");
  const { sweep } = await import("../engine/sweep.ts");
  requireRoot();
  using _lock = await lockStack(LOCAL);
  let done = "";
  if (await hasLocalState()) {
    const { openInterruptibly } = await import("../engine/work.ts");
    const { operate } = await import("../engine/operation.ts");
    try {
      const session = await openInterruptibly(LOCAL, screen, {});
      done = changesText(await operate(session, "destroy", screen));
    } catch (error) {
      if (error instanceof Interrupted || error instanceof BusyError) throw error;
      screen.line(`warning: ${messageOf(error)}\nwarning: going on by removing all that is on this host`);
    }
  }
  const { endOrphans } = await import("../engine/orphans.ts");
  await endOrphans(LOCAL);
  await during(screen, "removing what is left on this host", sweep);
  await forgetLocalStack();
  screen.line(`destroy: ${[done, "nothing of the stack is left on this host"].filter(Boolean).join("; ")}`);
}
