import { Command, InvalidArgumentError } from "commander";
import { confirm, requireAnswer } from "../confirm.ts";
import { screenOn, withoutLines } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { UsageError } from "../errors.ts";
import { LOCAL, replaceOption, stackOf, stackOption, targetOption } from "../stacks.ts";

interface UpOptions {
  nodes?: number;
  yes?: boolean;
  target: string[];
  replace: string[];
}

/** `./peak up`: makes the stack what the project says. */
export function up(): Command {
  return new Command("up")
    .description("bring a stack up, or up to date")
    .addOption(stackOption())
    .option("--nodes <n>", "number of virtual Pis of the local stack, until destroy", count)
    .addOption(targetOption())
    .addOption(replaceOption())
    .option("-y, --yes", "change a stack other than local without showing what would change, and without a question")
    .action(async ({ nodes, yes = false, ...selection }: UpOptions, command: Command) => {
      const stack = stackOf(command);
      if (nodes !== undefined && stack !== LOCAL)
        throw new UsageError(`--nodes is for the stack ${LOCAL}; the machines of ${stack} are those of its inventory`);
      const question = `bring up the stack ${stack}`;
      if (stack !== LOCAL) requireAnswer(question, yes);
      const { hasLocalState, noBackend } = await import("../engine/environment.ts");
      const { workOn, workOnCopy } = await import("../engine/work.ts");
      const { operate, preview } = await import("../engine/operation.ts");
      const { isEmptyPlan, planLines } = await import("../display/plan.ts");
      const { readStatus } = await import("../status/read.ts");
      const { statusText, tryText } = await import("../status/report.ts");
      using screen = screenOn(process.stderr);
      // A preview of a new stack tells how much there is to do, and refuses bad input before anything is there. One of a stack that is there
      // shows what it would become, before the question; the local one asks nothing, so that nobody waits for it.
      const expected = stack === LOCAL && (await hasLocalState()) ? [] : await workOnCopy(stack, screen, { nodes }, async (copy) => {
        if (copy.loggedOut) throw noBackend(stack);
        const isNew = copy.resources.length === 0;
        if (!isNew && (yes || stack === LOCAL)) return [];
        const { changes, plan } = await preview(copy, isNew ? withoutLines(screen) : screen, selection);
        if (stack === LOCAL) return copy.resources;
        if (!isNew) for (const line of planLines(plan, true)) screen.line(line);
        if (isNew || !isEmptyPlan(plan)) await confirm(`${question} (${changesText(changes, "planned")})`, yes);
        return copy.resources;
      });
      const changes = await workOn(stack, screen, { nodes }, (session) => {
        if (session.resources.length === 0) session.resources = expected;
        return operate(session, "up", screen, selection);
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
