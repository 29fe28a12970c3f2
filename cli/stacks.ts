import { readdirSync } from "node:fs";
import { type Command, Option } from "commander";
import { root } from "./paths.ts";

/** The stack that needs nothing but this host: virtual Pis, and state in the project directory. */
export const LOCAL = "local";

/** The stacks that the project has a Pulumi.STACK.yaml of. */
export function stackNames(): string[] {
  const names = readdirSync(root).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  return names.sort((a, b) => Number(b === LOCAL) - Number(a === LOCAL) || a.localeCompare(b));
}

/**
 * `--stack NAME`: taken before the command (`./peak --stack minikube kubectl ...`) and by every command that does not pass its arguments
 * on.
 */
export function stackOption(): Option {
  return new Option("--stack <name>", `stack to work on (default: ${LOCAL})`).choices(stackNames());
}

/** The stack that this command is for. */
export function stackOf(command: Command): string {
  const own: unknown = command.opts()["stack"];
  const before: unknown = command.parent?.opts()["stack"];
  return typeof own === "string" ? own : typeof before === "string" ? before : LOCAL;
}
