import { Command } from "commander";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak status`: what is there, and whether it is well. */
export function status(): Command {
  return new Command("status")
    .description("show the nodes, the names served and how to reach them")
    .addOption(stackOption())
    .option("--json", "print one JSON object, for scripts (docs/status.md)")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { readStatus } = await import("../status/read.ts");
      const { statusText } = await import("../status/report.ts");
      const status = await readStatus(stackOf(command));
      process.stdout.write(json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status));
    });
}
