import { Command } from "commander";
import { screenOn } from "../display/screen.ts";
import { changesText } from "../display/text.ts";
import { replaceOption, stackOf, stackOption, targetOption } from "../stacks.ts";

/** `./peak preview`: what `up` would do. */
export function preview(): Command {
  return new Command("preview")
    .description("show what `up` would do, and change nothing")
    .addOption(stackOption())
    .option("--diff", "show each changed property, with its old and its new value")
    .addOption(targetOption())
    .addOption(replaceOption())
    .option("--json", "print numbers of operations and all changes as one JSON object (docs/preview.md)")
    .action(async (options: { diff?: boolean; json?: boolean; target: string[]; replace: string[] }, command: Command) => {
      const { workOnCopy } = await import("../engine/work.ts");
      const { preview } = await import("../engine/operation.ts");
      const { changeJson, planLines } = await import("../display/plan.ts");
      const stack = stackOf(command);
      using screen = screenOn(process.stderr);
      const { changes, plan } = await workOnCopy(stack, screen, {}, (copy) => {
        const { pending } = copy;
        if (pending > 0) screen.line(`an earlier run was interrupted: \`up\` does ${pending} unfinished ${pending === 1 ? "operation" : "operations"} again`);
        if (copy.loggedOut) screen.line(`warning: you are logged in to no Pulumi backend: this is what a new stack ${stack} would be`);
        return preview(copy, screen, options);
      });
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ ...changes, resources: plan.resources.map(changeJson), outputs: plan.outputs })}\n`);
      } else {
        for (const line of planLines(plan, options.diff === true)) process.stdout.write(`${line}\n`);
        screen.line(`preview: ${changesText(changes, "planned")}`);
      }
    });
}
