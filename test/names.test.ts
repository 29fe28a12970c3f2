import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ambiguous } from "./names.ts";

const server = join(import.meta.dirname, "../dns-server");

/** What runs nowhere but in tests and benchmarks has names of its own. */
const isShipped = (file: string): boolean => !/\.test\.ts$|^(testing|bench|simulation)\//.test(file);

test("each name means one thing in the DNS server", () => {
  const files = globSync("**/*.ts", { cwd: server }).filter(isShipped);
  expect(files.length).toBeGreaterThan(100);
  expect(ambiguous(new Map(files.map((file) => [file, readFileSync(join(server, file), "utf8")])))).toEqual([]);
});

describe("a name has two meanings", () => {
  const found = (a: string, b: string): string[] => ambiguous(new Map([["a.ts", a], ["b.ts", b]]));

  test.each([
    ["two types", "interface X {}", "type X = 1;"],
    ["two functions that are exported", "export function X() {}", "export const X = () => {};"],
    ["a type and what is exported", "class X {}", "export const X = 1;"],
    ["what is exported here and there is not", "export const X = 1;", "const X = 2;"],
  ])("where it is that of %s", (_, a, b) => expect(found(a, b)).toEqual(["X: a.ts, b.ts"]));

  test.each([
    ["of two files' own", "const X = 1;", "function X() {}"],
    ["of a value and its type in one file", "export const X = 1; export type X = typeof X;", ""],
    ["imported", "export const X = 1;", 'import { X } from "./a.ts"; export const Y = X;'],
    ["inside of a function", "export const X = 1;", "function f() { const X = 2; return X; }"],
  ])("not where it is that %s", (_, a, b) => expect(found(a, b)).toEqual([]));
});
