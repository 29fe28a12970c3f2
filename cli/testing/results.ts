import { z } from "zod";

/** How many tests ended how. */
export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** What vitest's JSON reporter writes, as far as it is counted here. */
const report = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/**
 * Counts the tests of a run.
 * @param json what vitest's JSON reporter wrote; undefined if it wrote nothing
 * @param exitCode of vitest
 * @returns at least one failure for a run that crashed, a file that could not be loaded, and a run that ran no test
 */
export function tally(json: string | undefined, exitCode: number | null): Tally {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const file of json === undefined ? [] : report.parse(JSON.parse(json)).testResults) {
    let failed = 0;
    for (const { status } of file.assertionResults) {
      if (status === "passed") total.passed += 1;
      else if (status === "failed") failed += 1;
      else total.skipped += 1;
    }
    // A file that fails without a failed test could not be loaded, or its hooks failed.
    total.failed += file.status === "failed" ? Math.max(1, failed) : failed;
  }
  if (total.failed === 0 && (exitCode !== 0 || total.passed === 0)) total.failed = 1;
  return total;
}

/** The sum of several runs. */
export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }), {
    passed: 0,
    failed: 0,
    skipped: 0,
  });
}

/** The closing line, which CI reads: `12 passed, 0 failed`, and how many were skipped if any were. */
export function tallyText({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
