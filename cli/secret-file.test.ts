import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, expect, test } from "vitest";
import { forgetStack } from "./engine/forget.ts";
import { ownershipFault, UsageError } from "./errors.ts";
import { paths } from "./paths.ts";
import { writeSecret } from "./secret-file.ts";

/** No stack of the project. */
const stack = `none-${process.pid}`;
const rest = [paths.begun(stack), paths.enginePid(stack)];
afterEach(() => {
  for (const path of [paths.credentials(stack), ...rest]) rmSync(path, { recursive: true, force: true });
});

test("a credential is replaced as a whole, and nobody else's to read", async () => {
  await writeSecret(stack, "key", "old");
  const file = await writeSecret(stack, "key", "new");
  expect(readFileSync(file, "utf8")).toBe("new");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(readdirSync(dirname(file))).toEqual(["key"]);
});

test("a stack that is destroyed leaves no credentials, nor what a killed run had begun: the next one has other providers", async () => {
  const file = await writeSecret(stack, "key", "x");
  for (const path of rest) writeFileSync(path, "[]");
  await forgetStack(stack);
  for (const path of [file, ...rest]) expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test("what another user has made is said to be that user's", () => {
  const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
  expect(ownershipFault("/srv/.peak", denied)).toEqual(new UsageError("/srv/.peak belongs to another user: run this as that user, or with sudo"));
  const other = new Error("no space left");
  expect(ownershipFault("/srv/.peak", other)).toBe(other);
});
