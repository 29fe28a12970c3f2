import { Command } from "commander";
import { CliError, exitCodes } from "../errors.ts";
import { stackOf, stackOption } from "../stacks.ts";
import type { Sorted } from "../dns/answers.ts";

/** `./peak refuse PREFIX`: what comes from there is no longer answered. */
export function refuse(): Command {
  return new Command("refuse")
    .description("have all DNS servers of the stack answer a prefix's queries with REFUSED, whatever they ask")
    .argument("<prefix>", "address prefix of the askers, e.g. 2001:db8:bad::/48")
    .addOption(stackOption())
    .option("--drop", "do not answer them at all")
    .option("--for <time>", "how long: 30s, 10m, 1h, 7d; without it until `allow`")
    .option("--json", "print what is refused, and by which servers, as one JSON object")
    .action(async (prefix: string, { drop, for: time, json }: { drop?: boolean; for?: string; json?: boolean }, command: Command) => {
      const options = [...(drop ? ["--drop"] : []), ...(time === undefined ? [] : [`--for=${time}`])];
      const { done, faults, refused } = await ask(command, ["refuse", ...options, "--", prefix]);
      const servers = done.map(({ server }) => server);
      const said = done[0]!.stdout.trim();
      const [known = prefix, action, until] = said.split("\t");
      if (json) printJson({ prefix: known, action, ...(time !== undefined && { until }), servers, faults: [...faults, ...refused] });
      else process.stdout.write(`${said}\t${servers.join(", ")}\n`);
      requireAll([...faults, ...refused], "run this again when they answer");
    });
}

/** `./peak refusals`: who is not answered. */
export function refusals(): Command {
  return new Command("refusals")
    .description("list the prefixes that the DNS servers of the stack refuse or drop, and until when")
    .addOption(stackOption())
    .option("--json", "print the list of each server as one JSON object")
    .action(async ({ json }: { json?: boolean }, command: Command) => {
      const { parseRefusals, refusalsText, shareRefusals } = await import("../dns/answers.ts");
      const { done, faults: failed, refused } = await ask(command, ["refusals", "--json"]);
      const faults = [...failed, ...refused];
      const lists = done.map(({ server, stdout }) => ({ server, refusals: parseRefusals(stdout) }));
      const shared = shareRefusals(lists);
      if (json) {
        const agree = shared.every(({ servers }) => servers.length === lists.length);
        printJson({ agree, servers: lists, faults });
      } else process.stdout.write(refusalsText(shared, lists.length));
      for (const fault of faults) process.stderr.write(`peak: ${fault}\n`);
      if (faults.length > 0) process.exitCode = exitCodes.failed;
    });
}

/** `./peak allow PREFIX`: ends a refusal. */
export function allow(): Command {
  return new Command("allow")
    .description("have all DNS servers of the stack answer a refused prefix again")
    .argument("<prefix>", "a prefix that `./peak refusals` lists")
    .addOption(stackOption())
    .option("--json", "print what is answered again, and by which servers, as one JSON object")
    .action(async (prefix: string, { json }: { json?: boolean }, command: Command) => {
      // A server that did not refuse the prefix answers it as well: no fault, as long as another one did.
      const { done, faults } = await ask(command, ["allow", "--", prefix]);
      const [known = prefix] = done[0]!.stdout.split(" ", 1);
      if (json) printJson({ prefix: known, servers: done.map(({ server }) => server), faults });
      else process.stdout.write(done[0]!.stdout);
      requireAll(faults, "run this again when they answer");
    });
}

function printJson(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

async function ask(command: Command, words: readonly string[]): Promise<Sorted> {
  const { requireOutputs } = await import("../engine/outputs.ts");
  const { askServers, dnsServers } = await import("../dns/servers.ts");
  const { sortAnswers } = await import("../dns/answers.ts");
  const access = await requireOutputs(stackOf(command));
  return sortAnswers(await askServers(access, await dnsServers(access), words));
}

function requireAll(faults: readonly string[], remedy: string): void {
  if (faults.length > 0) throw new CliError(`not all servers did it; ${remedy}:\n${faults.map((line) => `  ${line}`).join("\n")}`);
}
