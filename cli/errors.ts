/** Exit codes of ./peak: 0 done, 1 failed, 2 asked for wrongly (nothing was changed), 130 interrupted. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130 } as const;

/** Something to tell the user in one message, without a stack trace. Anything else that is thrown is a defect of ours. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

/** The user's input or machine does not allow what was asked for; nothing was changed. Names the place and what to do. */
export class UsageError extends CliError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, exitCodes.usage, options);
    this.name = "UsageError";
  }
}

/** Ctrl-C, at a point from which the same command goes on. */
export class Interrupted extends CliError {
  constructor(message: string) {
    super(message, exitCodes.interrupted);
    this.name = "Interrupted";
  }
}

/** Another run is at work on what this one was to change. */
export class BusyError extends CliError {
  constructor(message: string) {
    super(message);
    this.name = "BusyError";
  }
}

/** What to say when a file or directory of ours is another user's, mostly root's after a sudo; any other error as it is. */
export function ownershipFault(path: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== "EACCES") return error;
  return new UsageError(`${path} belongs to another user: run this as that user, or with sudo`, { cause: error });
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
