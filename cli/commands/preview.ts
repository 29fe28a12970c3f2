import { Command } from "commander";
import { screenOn } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak preview`: what `up` would do. */
export function preview(): Command {
  return new Command("preview")
    .description("show what `up` would do, and change nothing")
    .addOption(stackOption())
    .option("--json", "print the numbers of operations as one JSON object")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { workOnCopy } = await import("../engine/work.ts");
      const { operate } = await import("../engine/operation.ts");
      const stack = stackOf(command);
      using screen = screenOn(process.stderr);
      const changes = await workOnCopy(stack, screen, {}, (copy) => {
        const { pending } = copy;
        if (pending > 0) screen.line(`an earlier run was interrupted: \`up\` does ${pending} unfinished ${pending === 1 ? "operation" : "operations"} again`);
        if (copy.loggedOut) screen.line(`warning: you are logged in to no Pulumi backend: this is what a new stack ${stack} would be`);
        return operate(copy, "preview", screen);
      });
      if (json) process.stdout.write(`${JSON.stringify(changes)}\n`);
      else screen.line(`preview: ${changesText(changes, "planned")}`);
    });
}
