import type { Command } from "commander";
import { loadConfig } from "../config.ts";
import { UserError } from "../errors.ts";
import { askServer, DEFAULT_CONTROL } from "./client.ts";

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
      const explanation = await askServer(socketOf(flags), "GET", `/explain?${new URLSearchParams({ name })}`);
      process.stdout.write(`${JSON.stringify(explanation, undefined, 2)}\n`);
    });
}

/** @throws UserError when the flags or the configuration name no socket */
function socketOf({ control, config }: ServerFlags): string {
  if (config === undefined) return control ?? DEFAULT_CONTROL;
  if (control !== undefined) throw new UserError("give either --control or --config");
  const path = loadConfig(config).control;
  if (path === undefined) throw new UserError(`${config} has no key control: the server cannot be asked`);
  return path;
}
