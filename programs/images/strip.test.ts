import { describe, expect, test } from "vitest";
import { stripped, strippedPath } from "./strip.ts";

describe("modules of an image", () => {
  test("have no types, and lines where they were", () => {
    const source = 'interface A {\n  b: string;\n}\nexport const a = (b: A): string => b.b as string;\nthrow new Error("5");\n';
    const lines = stripped("a.ts", source).split("\n");
    expect(lines.map((line) => line.trimEnd())).toEqual(["", "", "", "export const a = (b   )         => b.b          ;", 'throw new Error("5");', ""]);
  });

  test.each([
    ['import { a } from "./a.ts";', 'import { a } from "./a.js";'],
    ["export * from '../b/a.ts';", "export * from '../b/a.js';"],
    ['const a = await import("./a.ts");', 'const a = await import("./a.js");'],
    ['new Worker(new URL("./worker.ts", import.meta.url));', 'new Worker(new URL("./worker.js", import.meta.url));'],
    ['import { z } from "zod"; import "node:fs";', 'import { z } from "zod"; import "node:fs";'],
    ['const said = "./a.ts"; import icon from "./icon.svg";', 'const said = "./a.ts"; import icon from "./icon.svg";'],
    ['const é = "ü.ts"; import "./ü.ts"; import "./a.ts";', 'const é = "ü.ts"; import "./ü.js"; import "./a.js";'],
  ])("%s", (source, code) => expect(stripped("a.ts", source)).toBe(code));

  test("types that are imported load nothing", () => {
    expect(stripped("a.ts", 'import type { A } from "./a.ts";\n').trim()).toBe("");
    expect(stripped("a.ts", 'import { type A, b } from "./a.ts";\n')).toMatch(/^import \{ +b \} from "\.\/a\.js";\n$/);
  });

  test("are called what they are", () => {
    expect([strippedPath("a/main.ts"), strippedPath("a/icon.svg"), strippedPath("package.json")]).toEqual(["a/main.js", "a/icon.svg", "package.json"]);
  });
});
