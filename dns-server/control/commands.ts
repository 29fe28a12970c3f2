import type { Command } from "commander";
import { z } from "zod";
import { loadConfig } from "../config/config.ts";
import { refusal, type Refusal } from "../limit/refusals.ts";
import { FailureError, UserError } from "../runtime/errors.ts";
import { explanation, renderExplanation } from "../selection/explanation.ts";
import { askServer, DEFAULT_CONTROL } from "./client.ts";

/** A whole zone takes its time. */
const TRANSFER_TIMEOUT_MS = 600_000;

const transferred = z.object({ zone: z.string(), serial: z.number(), primary: z.string() });

/** Which server is asked. */
interface ServerFlags {
  readonly control?: string;
  readonly config?: string;
}

/** Adds the commands that ask a running server. */
export function addControlCommands(program: Command): void {
  const command = (nameAndArguments: string, description: string): Command =>
    program
      .command(nameAndArguments)
      .description(description)
      .option("--control <path>", `control socket of the server (default: ${DEFAULT_CONTROL})`)
      .option("--config <file>", "configuration of the server, instead of --control");

  command("explain <name>", "ask a running server why each pod is in or out of the answer for a name")
    .option("--json", "the server's answer as it is", false)
    .action(async (name: string, flags: ServerFlags & { json: boolean }) => {
      const answer = await askServer(socketOf(flags), "GET", `/explain?${new URLSearchParams({ name })}`);
      if (flags.json) return void process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
      const parsed = explanation.safeParse(answer);
      if (!parsed.success) throw new FailureError("command and server differ in version: see what it says with --json");
      process.stdout.write(renderExplanation(parsed.data));
    });

  command("transfer <zone>", "have a running secondary fetch a zone whole, and take it whatever its serial")
    .option("--json", "the server's answer as it is", false)
    .action(async (zone: string, flags: ServerFlags & { json: boolean }) => {
      const target = `/transfer?${new URLSearchParams({ zone })}`;
      const answer = await askServer(socketOf(flags), "POST", target, undefined, TRANSFER_TIMEOUT_MS);
      if (flags.json) return void process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
      const fetched = transferred.parse(answer);
      process.stdout.write(`zone ${fetched.zone} has been fetched from ${fetched.primary}: serial ${fetched.serial}\n`);
    });

  command("refuse <prefix>", "answer a prefix's queries with REFUSED from now on, whatever they ask")
    .option("--drop", "do not answer them at all", false)
    .option("--for <time>", "how long: 30s, 10m, 1h, 7d; without it until `allow`", readDuration)
    .action(async (prefix: string, flags: ServerFlags & { drop: boolean; for?: number }) => {
      const action = flags.drop ? "drop" : "refuse";
      const wanted = { prefix, action, ...(flags.for !== undefined && { seconds: flags.for }) };
      printRefusals([refusal.parse(await askServer(socketOf(flags), "POST", "/refusals", wanted))]);
    });

  command("refusals", "list the prefixes that are refused or dropped, and until when")
    .option("--json", "as JSON", false)
    .action(async (flags: ServerFlags & { json: boolean }) => {
      const refusals = z.array(refusal).parse(await askServer(socketOf(flags), "GET", "/refusals"));
      if (flags.json) process.stdout.write(`${JSON.stringify(refusals, undefined, 2)}\n`);
      else printRefusals(refusals);
    });

  command("allow <prefix>", "answer a refused prefix again").action(async (prefix: string, flags: ServerFlags) => {
    const ended = refusal.parse(await askServer(socketOf(flags), "DELETE", `/refusals?${new URLSearchParams({ prefix })}`));
    process.stdout.write(`${ended.prefix} is answered again\n`);
  });
}

function printRefusals(refusals: readonly Refusal[]): void {
  for (const { prefix, action, until } of refusals) process.stdout.write(`${prefix}\t${action}\t${until ?? "for good"}\n`);
}

const UNITS = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** Seconds of a duration such as `1h`. */
function readDuration(text: string): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNITS.get(unit) ?? NaN);
  if (!(seconds > 0)) throw new UserError(`--for ${text}: must be a number and s, m, h or d, such as 1h`);
  return seconds;
}

/** @throws UserError when the flags or the configuration name no socket */
function socketOf({ control, config }: ServerFlags): string {
  if (config === undefined) return control ?? DEFAULT_CONTROL;
  if (control !== undefined) throw new UserError("give either --control or --config");
  const path = loadConfig(config).control;
  if (path === undefined) throw new UserError(`${config} has no key control: the server cannot be asked`);
  return path;
}
