import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { UsageError } from "../errors.ts";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak hardware …`: the machines of a stack as things that are bought, put together and switched on. */
export function hardware(): Command {
  return new Command("hardware")
    .description("check the inventory of a stack's boards, print how they are plugged in, write their boot media")
    .addOption(stackOption())
    .addCommand(check())
    .addCommand(plan())
    .addCommand(media());
}

function check(): Command {
  return new Command("check")
    .description("check the stack's inventory: names, places, ports, parts that fit, power, spares")
    .addOption(stackOption())
    .option("--json", "print one JSON object: boards, warnings, and watts by switch")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { readStackInput } = await import("../hardware/input.ts");
      const { checkText, summaryOf } = await import("../hardware/report.ts");
      const { inventory, path } = await readStackInput(stackOf(command));
      const summary = summaryOf(inventory, path);
      process.stdout.write(json ? `${JSON.stringify(summary, undefined, 2)}\n` : checkText(summary));
    });
}

function plan(): Command {
  return new Command("plan")
    .description("print the wiring and power plan, for a person with a cable in hand")
    .addOption(stackOption())
    .option("--out <directory>", "write it there: plan.md, and for each switch a drawing that can be printed on A4")
    .action(async ({ out }: { out?: string }, command: Command) => {
      const { readStackInput } = await import("../hardware/input.ts");
      const { wiringPlan } = await import("../../hardware/plan.ts");
      const { renderPlan } = await import("../../hardware/render/plan-markdown.ts");
      const { renderPlanSvg } = await import("../../hardware/render/plan-svg.ts");
      const { inventory, settings, path } = await readStackInput(stackOf(command));
      if (inventory.switches.length === 0)
        throw new UsageError(`${path} names no switch: there is nothing to plug in. hardware/inventory.pi-testbed.yaml shows how it is done`);
      const wiring = wiringPlan(inventory, { ula: settings.ulaPrefix, global: settings.globalPrefix });
      const text = renderPlan(wiring, path);
      if (out === undefined) return void process.stdout.write(text);
      const files = { "plan.md": text, ...Object.fromEntries(wiring.switches.map((entry) => [`${entry.name}.svg`, renderPlanSvg(entry)])) };
      await mkdir(out, { recursive: true });
      for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
      printPaths(out, files);
    });
}

function media(): Command {
  return new Command("media")
    .description("write the boot media of the stack's boards: what makes a board the host that the stack expects")
    .addOption(stackOption())
    .requiredOption("--out <directory>", "where to: a folder for each board. They hold private keys; only you can read them")
    .option("--node <name>", "of this board alone; repeatable", (name: string, before: string[] = []) => [...before, name])
    .addHelpText(
      "after",
      `
Keys are made by \`./peak up\`, also while no board answers yet: run that first. docs/pi-testbed.md says what to do with the files.`,
    )
    .action(async ({ out, node: wanted }: { out: string; node?: string[] }, command: Command) => {
      const { readMedia, writeMedia } = await import("../hardware/media.ts");
      const stack = stackOf(command);
      const all = await readMedia(stack);
      const names = Object.keys(all);
      if (names.length === 0)
        throw new UsageError(
          `the stack ${stack} has no boot media: its inventory describes no boards (model:), or \`./peak up --stack ${stack}\` has not been run yet`,
        );
      const strange = wanted?.find((name) => !names.includes(name));
      if (strange !== undefined) throw new UsageError(`the stack ${stack} has no board ${strange}; there are ${names.join(", ")}`);
      const chosen = Object.fromEntries((wanted ?? names).map((name) => [name, all[name]!]));
      await writeMedia(out, chosen);
      printPaths(out, chosen);
    });
}

/** Tells what has been written, by name below a directory. */
function printPaths(directory: string, written: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(written)) process.stdout.write(`${join(directory, name)}\n`);
}
