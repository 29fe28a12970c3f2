import { UsageError } from "./errors.ts";

/** The one of that name; otherwise an error that lists those there are. */
export function findByName<T extends { name: string }>(kind: string, name: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name);
  if (found) return found;
  throw new UsageError(`there is no ${kind} ${name}: ${all.map((one) => one.name).join(", ") || `the stack has no ${kind}s`}`);
}
