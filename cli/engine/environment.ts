import { randomBytes } from "node:crypto";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, run } from "../../shell/run.ts";
import { hostArch } from "../../toolchain/products.ts";
import { type Progress, progressOn } from "../../toolchain/progress.ts";
import { provide } from "../../toolchain/provide.ts";
import { CliError, messageOf, ownershipFault, UsageError } from "../errors.ts";
import { interruptibly, sayOnStderr } from "../interrupt.ts";
import { paths, root } from "../paths.ts";
import { LOCAL } from "../stacks.ts";

/** The project's name in Pulumi.yaml. */
export const PROJECT = "peak";

/** The engine binary, found, downloaded or built. */
export async function engineBinary(log: Progress, signal: AbortSignal): Promise<string> {
  const { dir } = await provide("engine", hostArch, { log, signal });
  return join(dir, "bin", "pulumi");
}

/** Whether the local stack has a state, that is, was brought up and not destroyed. */
export async function hasLocalState(): Promise<boolean> {
  try {
    await access(join(paths.state, ".pulumi", "stacks", PROJECT, `${LOCAL}.json`));
    return true;
  } catch (error) {
    const fault = ownershipFault(paths.state, error);
    if (fault === error) return false;
    throw fault;
  }
}

/**
 * Points this process, and so the engine, to a stack's backend. The local stack has its own, in the project directory; any other uses what
 * the user is logged in to.
 */
export function useBackend(stack: string): void {
  process.env["PULUMI_SKIP_UPDATE_CHECK"] = "true";
  if (stack !== LOCAL) return;
  delete process.env["PULUMI_CONFIG_PASSPHRASE"]; // it would win over the file
  process.env["PULUMI_CONFIG_PASSPHRASE_FILE"] = paths.passphrase;
  process.env["PULUMI_BACKEND_URL"] = `file://${paths.state}`;
  process.env["PULUMI_HOME"] = paths.home;
}

/** Makes the backend of the local stack, and the passphrase of its secrets, where they are not there yet. */
export async function makeBackend(): Promise<void> {
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  // Never overwritten: without it the state's secrets are lost.
  await writeFile(paths.passphrase, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx", mode: 0o600 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
}

export interface AskOptions {
  /** Default: the project. */
  cwd?: string;
  /** Besides our own. */
  env?: NodeJS.ProcessEnv;
  input?: string;
}

/** The engine, pointed to a stack's backend, for a command that only reads. Where it has to be made first, Ctrl-C ends that. */
export async function readingEngine(stack: string): Promise<string> {
  const engine = await interruptibly(sayOnStderr, (signal) => engineBinary(progressOn(process.stderr), signal));
  useBackend(stack);
  return engine;
}

/**
 * Has the engine's command line do something that is no operation on the stack's resources.
 * @returns its standard output
 * @throws CliError with what it said
 */
export async function ask(engine: string, args: readonly string[], { cwd = root, env = {}, input }: AskOptions = {}): Promise<string> {
  try {
    return await run(engine, [...args, "--non-interactive"], { cwd, env: { ...process.env, ...env }, input });
  } catch (error) {
    throw error instanceof CommandError ? new CliError(error.said.replace(/^error: /, "")) : error;
  }
}

/** Whether the engine says that there is no such stack. */
export function isAbsent(message: string): boolean {
  return /no stack named/.test(message);
}

/** Whether the engine says that the user is logged in to no backend. */
export function isLoggedOut(message: string): boolean {
  return /PULUMI_ACCESS_TOKEN must be set|run .?pulumi login/.test(message);
}

/** What the engine said itself, for a failure that no event tells of: the lines that it marks as errors, or all. */
export function engineMessage(text: string): string {
  const at = text.search(/^\s*error: /m);
  return (at < 0 ? text : text.slice(at)).trim();
}

/** What to do about what the engine says of a stack's backend, or of the secrets in its state. */
export function backendFault(stack: string, error: unknown): CliError {
  const said = messageOf(error);
  if (isLoggedOut(said)) return noBackend(stack);
  if (/passphrase must be set|incorrect passphrase/.test(said)) {
    return new UsageError(
      `the secrets of the stack ${stack} are encrypted with a passphrase, ` +
        `${said.includes("incorrect") ? "which is another one than what you have set" : "and you have set none"}. ` +
        "Put it into a file, and set PULUMI_CONFIG_PASSPHRASE_FILE to that",
    );
  }
  // The SDK tells of an engine's failure with all that it has of it.
  return new CliError(`the state of the stack ${stack} cannot be read: ${/^\s*error: (.*)$/m.exec(said)?.[1] ?? said}`);
}

/** What to do without a login. */
export function noBackend(stack: string): UsageError {
  return new UsageError(
    `the stack ${stack} keeps its state in the Pulumi backend that you are logged in to, and you are logged in to none. ` +
      "Use `pulumi login`, or set PULUMI_BACKEND_URL, e.g. to file://$HOME/peak-state",
  );
}
