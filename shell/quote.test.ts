import fc from "fast-check";
import { expect, test } from "vitest";
import { quote } from "./quote.ts";
import { run } from "./run.ts";

const text = fc.string({ unit: fc.constantFrom("a", "'", '"', "\\", "$", "`", "\n", " ", "%", "!", "*", "é", "-n") });

test("the shell gives back exactly the text, as one word", async () => {
  await fc.assert(fc.asyncProperty(text, async (value) => {
    expect(await run("sh", ["-c", `printf '%s;' ${quote(value)} ${quote("")}`])).toBe(`${value};;`);
  }), { numRuns: 50 });
});
