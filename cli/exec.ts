import { which } from "../shell/which.ts";
import { CliError } from "./errors.ts";

/**
 * Becomes another program: its terminal, signals and exit code are its own, as if it had been called directly.
 * @param remedy what to do if the program is not there
 */
export function become(program: string, args: readonly string[], remedy: string, env: NodeJS.ProcessEnv = process.env): never {
  const file = program.includes("/") ? program : which(program);
  if (file === undefined) throw new CliError(`${program} is not on PATH: ${remedy}`);
  process.execve?.(file, [program, ...args], env as Record<string, string>);
  throw new CliError(`${file} cannot be run`);
}
