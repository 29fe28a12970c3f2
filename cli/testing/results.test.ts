import { describe, expect, test } from "vitest";
import { sum, tally, tallyText } from "./results.ts";

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((status) => ({ status })) });
const report = (...testResults: object[]) => JSON.stringify({ testResults });

describe.each<[string, string | undefined, number | null, [number, number, number]]>([
  ["all pass", report(file("passed", "passed", "passed")), 0, [2, 0, 0]],
  ["one fails", report(file("failed", "passed", "failed")), 1, [1, 1, 0]],
  ["some are skipped", report(file("passed", "passed", "skipped", "todo")), 0, [1, 0, 2]],
  ["a file cannot be loaded", report(file("passed", "passed"), file("failed")), 1, [1, 1, 0]],
  ["an error outside of any test", report(file("passed", "passed")), 1, [1, 1, 0]],
  ["killed", report(file("passed", "passed")), null, [1, 1, 0]],
  ["crashed before it wrote", undefined, 1, [0, 1, 0]],
  ["ran no test", report(), 0, [0, 1, 0]],
  ["skipped all", report(file("passed", "skipped")), 0, [0, 1, 1]],
])("%s", (_, json, exitCode, [passed, failed, skipped]) => {
  test(tallyText({ passed, failed, skipped }), () => expect(tally(json, exitCode)).toEqual({ passed, failed, skipped }));
});

test("the closing line", () => {
  expect(
    tallyText(
      sum([
        { passed: 3, failed: 0, skipped: 0 },
        { passed: 4, failed: 1, skipped: 0 },
      ]),
    ),
  ).toBe("7 passed, 1 failed");
  expect(tallyText({ passed: 3, failed: 0, skipped: 2 })).toBe("3 passed, 0 failed, 2 skipped");
});
