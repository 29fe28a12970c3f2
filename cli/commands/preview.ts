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
      const { workOn } = await import("../engine/work.ts");
      const { operate } = await import("../engine/operation.ts");
      using screen = screenOn(process.stderr);
      const changes = await workOn(stackOf(command), screen, {}, (session) => operate(session, "preview", screen));
      if (json) process.stdout.write(`${JSON.stringify(changes)}\n`);
      else screen.line(`preview: ${changesText(changes, "planned")}`);
    });
}
