import { Command } from "commander";
import { confirm, requireAnswer } from "../confirm.ts";
import { screenOn } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { LOCAL, stackOf, stackOption } from "../stacks.ts";

/** `./peak refresh`: takes into the state what is really there. */
export function refresh(): Command {
  return new Command("refresh")
    .description("compare the stack's state with what is there, and adopt that")
    .addOption(stackOption())
    .option("-y, --yes", "do not ask before the state of a stack other than local is changed")
    .action(async ({ yes }: { yes?: boolean }, command: Command) => {
      const stack = stackOf(command);
      const question = `refresh the state of the stack ${stack}`;
      if (stack !== LOCAL) requireAnswer(question, yes === true);
      const { requireThere } = await import("../engine/outputs.ts");
      const { workOn } = await import("../engine/work.ts");
      const { operate } = await import("../engine/operation.ts");
      await requireThere(stack);
      using screen = screenOn(process.stderr);
      const changes = await workOn(stack, screen, {}, async (session) => {
        if (stack !== LOCAL) await confirm(question, yes === true);
        return operate(session, "refresh", screen);
      });
      screen.line(`refresh: ${changesText(changes)}`);
    });
}
