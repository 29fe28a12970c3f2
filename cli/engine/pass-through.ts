import { which } from "../../shell/which.ts";
import { UsageError } from "../errors.ts";
import { paths } from "../paths.ts";
import { LOCAL } from "../stacks.ts";

/** Commands of the engine that run the program, and what does the same without a language host. */
const running: Readonly<Record<string, string>> = {
  up: "./peak up",
  update: "./peak up",
  watch: "./peak up",
  preview: "./peak preview",
  pre: "./peak preview",
};

/** Commands of the engine that read the stack file. */
const configured = new Set([...Object.keys(running), "config", "destroy", "import", "logs", "refresh"]);

/** What runs a Node program for the engine; it comes with the official Pulumi. */
const HOST = "pulumi-language-nodejs";

/** @throws UsageError when the command runs the program, and there is nothing to run it with; or writes where `./peak up` writes anew */
export function requireSensible(stack: string, args: readonly string[], path = process.env["PATH"]): void {
  const word = commandOf(args);
  if (stack === LOCAL && word === "config" && args.some((arg) => /^(set|set-all|rm|rm-all|cp|refresh)$/.test(arg)))
    throw new UsageError(`the configuration of the stack ${LOCAL} is made from Pulumi.${LOCAL}.yaml at each ./peak up: edit that file`);
  const instead = word === undefined ? undefined : running[word];
  if (instead === undefined || args.includes("--help") || args.includes("-h") || which(HOST, path) !== undefined) return;
  throw new UsageError(
    `pulumi ${word} runs the program by ${HOST}, which is not on PATH: use ${instead}, which runs it by itself, ` +
      "or install Pulumi's own command line",
  );
}

/** The arguments that the engine gets: the local stack's configuration is not beside Pulumi.yaml. */
export function pulumiArguments(stack: string, args: readonly string[]): string[] {
  const word = commandOf(args);
  if (stack !== LOCAL || word === undefined || !configured.has(word)) return [...args];
  const at = args.indexOf(word) + 1;
  return [...args.slice(0, at), "--config-file", paths.config, ...args.slice(at)];
}

/** Names the stack to whatever command of the engine asks for one. */
export function pulumiEnvironment(stack: string): NodeJS.ProcessEnv {
  return { ...process.env, PULUMI_STACK: stack };
}

function commandOf(args: readonly string[]): string | undefined {
  return args.find((word) => !word.startsWith("-"));
}
