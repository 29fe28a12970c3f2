import { Command } from "commander";
import { exitCodes } from "../errors.ts";
import { requireLocal, stackOption } from "../stacks.ts";

/** `./peak doctor`: whether the local stack can live on this host, and what to do about it. */
export function doctor(): Command {
  return new Command("doctor")
    .description("check whether this host suits the local stack, and say what to do")
    .addOption(stackOption())
    .option("--json", "print the findings as a JSON array")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      requireLocal(command, "it asks nothing of this host");
      const { gatherFacts } = await import("../doctor/facts.ts");
      const { examine, findingsText } = await import("../doctor/findings.ts");
      const findings = examine(await gatherFacts());
      process.stdout.write(json ? `${JSON.stringify(findings, undefined, 2)}\n` : findingsText(findings));
      if (findings.some(({ level }) => level === "fail")) process.exitCode = exitCodes.failed;
    });
}
