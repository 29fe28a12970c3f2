import { Command } from "commander";
import { exitCodes } from "../errors.ts";
import { stackOf, stackOption } from "../stacks.ts";

/** `./peak explain NAME`: why each pod is in or out of the answer for a name. */
export function explain(): Command {
  return new Command("explain")
    .description("say why each pod is in or out of the answer for a name, as the stack's DNS servers see it")
    .argument("<name>", "a name that leads to pods, e.g. echo.peak")
    .addOption(stackOption())
    .option("--json", "print what each server says as one JSON object")
    .action(async (name: string, { json }: { json?: boolean }, command: Command) => {
      const { requireOutputs } = await import("../engine/outputs.ts");
      const { askServers, dnsServers } = await import("../dns/servers.ts");
      const { differences, sortAnswers } = await import("../dns/answers.ts");
      const access = await requireOutputs(stackOf(command));
      const servers = (await dnsServers(access)).filter(({ cluster }) => cluster);
      const { done, faults, refused } = sortAnswers(await askServers(access, servers, ["explain", "--json", "--", name]));
      const explanations = done.map(({ server, stdout }) => ({ server, explanation: JSON.parse(stdout) as unknown }));
      const differing = [...differences(explanations), ...refused];
      if (json) {
        const agree = differing.length === 0;
        process.stdout.write(`${JSON.stringify({ agree, differences: differing, servers: explanations, faults }, undefined, 2)}\n`);
      } else {
        // In the server's own words, of which one is enough where all say the same.
        const names = done.map(({ server }) => server);
        const shown = differing.length === 0 ? names.slice(0, 1) : names;
        const texts = await askServers(access, servers.filter((server) => shown.includes(server.name)), ["explain", "--", name]);
        const heading = (server: string) => (differing.length === 0 ? names.join(", ") : server);
        if (differing.length > 0) process.stdout.write(`The servers differ:\n${differing.map((line) => `  ${line}\n`).join("")}\n`);
        process.stdout.write(sortAnswers(texts).done.map(({ server, stdout }) => `${heading(server)}:\n${stdout}`).join("\n"));
      }
      for (const fault of faults) process.stderr.write(`peak: ${fault}\n`);
      if (faults.length > 0) process.exitCode = exitCodes.failed;
    });
}
