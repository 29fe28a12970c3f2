import { Argument, Command } from "commander";
import { duration } from "../../toolchain/progress.ts";
import { CliError, exitCodes, Interrupted, messageOf } from "../errors.ts";
import { requireLocal, stackOption } from "../stacks.ts";
import { runStage, stages } from "../testing/stages.ts";
import { sum, type Tally, tallyText } from "../testing/results.ts";

/** `./peak test`: all the tests, or one stage of them. */
export function test(): Command {
  const rows = stages.map(({ name, what }) => `  ${name.padEnd(8)}${what}`).join("\n");
  return new Command("test")
    .description("run the tests: all that CI runs, or one stage")
    .addArgument(new Argument("[stage]", "which (default: all, one after the other)").choices(stages.map(({ name }) => name)))
    .addOption(stackOption())
    .addHelpText("after", `\nStages:\n${rows}`)
    .action(async (only: string | undefined, _options: object, command: Command) => {
      requireLocal(command, "the tests bring up local stacks of their own");
      const tallies: Tally[] = [];
      const summary: string[] = [];
      for (const stage of stages.filter(({ name, byNameOnly }) => (only === undefined ? !byNameOnly : name === only))) {
        process.stdout.write(`\n=== ${stage.name}: ${stage.what}\n`);
        const started = Date.now();
        const result = await runStage(stage).catch((error: unknown): Tally => {
          if (error instanceof Interrupted) throw error;
          process.stdout.write(`${error instanceof CliError ? messageOf(error) : (error as Error).stack}\n`);
          return { passed: 0, failed: 1, skipped: 0 };
        });
        tallies.push(result);
        summary.push(`${stage.name.padEnd(8)}${tallyText(result)}  (${duration(Date.now() - started)})`);
      }
      const total = sum(tallies);
      process.stdout.write(`\n${summary.join("\n")}\n${tallyText(total)}\n`);
      if (total.failed > 0) process.exitCode = exitCodes.failed;
    });
}
