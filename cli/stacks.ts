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

/** `--stack NAME`: taken before every command and after it. There is no short form of ours: to kubectl, `-s` is another option. */
export function stackOption(): Option {
  return new Option("--stack <name>", `stack to work on (default: ${LOCAL})`).choices(stackNames());
}

/** `--target RESOURCE`, repeatable. @param effect what it has the command do */
export function targetOption(effect = "change this alone"): Option {
  return resourceOption("--target <resource>", `${effect}: a name (pi2), a type with a name ('VirtualPi pi2'), or a URN; repeatable`);
}

/** `--replace RESOURCE`, repeatable. */
export function replaceOption(): Option {
  return resourceOption("--replace <resource>", "replace this, even if nothing of it has changed; named likewise; repeatable");
}

function resourceOption(flags: string, description: string): Option {
  return new Option(flags, description).default([], "none").argParser<string[]>((name, before) => [...before, name]);
}

/** The stack that this command is for. */
export function stackOf(command: Command): string {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const named: unknown = at.opts()["stack"];
    if (typeof named === "string") return named;
  }
  return LOCAL;
}

/** Refuses another stack than the local one. @param why this command has no use for it */
export function requireLocal(command: Command, why: string): void {
  const stack = stackOf(command);
  if (stack !== LOCAL) command.error(`error: \`${command.name()}\` is not for the stack ${stack}: ${why}`);
}

/**
 * Takes `--stack NAME` out of words that go to another program.
 * @param where `first`: only before the first other word, where that begins what the other program is; `anywhere`: up to a `--`, where the
 *   other program has no such option, or the same
 * @param short whether the other program takes `-s` for the same
 * @returns the words that are left; the stack is what `stackOf` tells from now on
 */
export function takeStack(command: Command, words: readonly string[], where: "first" | "anywhere", short = false): string[] {
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const long = /^(--stack)(?:=(.*))?$/s.exec(words[at]!);
    const [option, value] = (long ?? (short ? /^(-s)(?:=?(.+))?$/s.exec(words[at]!) : undefined))?.slice(1) ?? [];
    if (option !== undefined) {
      const name = value ?? words[++at];
      if (name === undefined) command.error("error: option '--stack <name>' argument missing");
      if (!stackNames().includes(name)) {
        const choices = stackNames().join(", ");
        command.error(`error: option '--stack <name>' argument '${name}' is invalid. Allowed choices are ${choices}.`);
      }
      command.setOptionValue("stack", name);
    } else if (where === "first" || words[at] === "--") return [...rest, ...words.slice(at)];
    else rest.push(words[at]!);
  }
  return rest;
}

/** What to say of a stack that is not up, or not wholly, and what to do. */
export function notUpText(stack: string, state: "partial" | "absent"): string {
  const option = stack === LOCAL ? "" : ` --stack ${stack}`;
  if (state === "absent") return `the stack ${stack} is not up: ./peak up${option}`;
  return `the stack ${stack} is half up: ./peak up${option} goes on, ./peak destroy${option} removes it`;
}
