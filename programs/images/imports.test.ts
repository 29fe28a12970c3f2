import { expect, it } from "vitest";
import { imports } from "./imports.ts";

it.each([
  ['import "./a.ts";', ["./a.ts"]],
  ['import a, { b } from "pkg/sub";', ["pkg/sub"]],
  ['import * as a from "@scope/pkg";', ["@scope/pkg"]],
  ['import data from "./a.json" with { type: "json" };', ["./a.json"]],
  ['export { a } from "./a.ts"; export * from "./b.ts";', ["./a.ts", "./b.ts"]],
  ['import type { A } from "./a.ts"; export type { B } from "./b.ts"; export type * from "./c.ts";', []],
  // Type stripping leaves `import {} from`, which loads the module.
  ['import { type A } from "./a.ts";', ["./a.ts"]],
  ['async () => (await import("./a.ts")).b;', ["./a.ts"]],
  ["import(`./a.ts`);", ["./a.ts"]],
  ["import(name);", []],
  ['type A = import("./a.ts").A;', []],
  ['new Worker(new URL("./a.worker.ts", import.meta.url));', ["./a.worker.ts"]],
  ['new URL("https://peak.test/", import.meta.url); new URL("./a", base); new URL("./b");', []],
  ['// import "./a.ts"\nconst text = `import "./b.ts"`;', []],
  ['import "./a.ts"; import "./a.ts";', ["./a.ts"]],
])("%s", (source, expected) => {
  expect(imports("module.ts", source)).toEqual(expected);
});
