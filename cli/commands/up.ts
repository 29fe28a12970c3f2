import { Command, InvalidArgumentError } from "commander";
import { confirm } from "../confirm.ts";
import { screenOn, withoutLines } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { UsageError } from "../errors.ts";
import { LOCAL, stackOf, stackOption } from "../stacks.ts";

/** `./peak up`: makes the stack what the project says. */
export function up(): Command {
  return new Command("up")
    .description("bring a stack up, or up to date")
    .addOption(stackOption())
    .option("--nodes <n>", "number of virtual Pis of the local stack, until destroy", count)
    .option("-y, --yes", "do not ask before a stack other than local is changed")
    .action(async ({ nodes, yes }: { nodes?: number; yes?: boolean }, command: Command) => {
      const stack = stackOf(command);
      if (nodes !== undefined && stack !== LOCAL)
        throw new UsageError(`--nodes is for the stack ${LOCAL}; the machines of ${stack} are those of its inventory`);
      const { noBackend } = await import("../engine/environment.ts");
      const { workOn, workOnCopy } = await import("../engine/work.ts");
      const { operate } = await import("../engine/operation.ts");
      const { readStatus } = await import("../status/read.ts");
      const { statusText, tryText } = await import("../status/report.ts");
      using screen = screenOn(process.stderr);
      // A preview of a new stack tells how much there is to do, and refuses bad input before anything is there.
      const planned = await workOnCopy(stack, screen, { nodes }, async (copy) => {
        if (copy.loggedOut) throw noBackend(stack);
        if (copy.resources.length === 0) await operate(copy, "preview", withoutLines(screen));
        return copy.resources;
      });
      if (stack !== LOCAL) await confirm(`bring up the stack ${stack}`, yes === true);
      const changes = await workOn(stack, screen, { nodes }, (session) => {
        if (session.resources.length === 0) session.resources = planned;
        return operate(session, "up", screen);
      });
      screen.line(`up: ${changesText(changes)}`);
      const status = await readStatus(stack);
      process.stdout.write(`\n${statusText(status)}${tryText(status)}\n`);
    });
}

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("It must be a number of nodes, such as 3.");
  return Number(text);
}
