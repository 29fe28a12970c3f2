import { readCases, runCase, type Case } from "./cases.ts";

/**
 * `node test/conformance/run.ts FILE...`: runs cases through the answer path, prints each difference and a count; exit code 1 when one
 * failed, 2 when a file has no cases or cannot be read.
 */
const files = process.argv.slice(2);
if (files.length === 0 || files.some((file) => file.startsWith("-"))) {
  process.stderr.write("usage: node test/conformance/run.ts FILE...   (one JSON case a line)\n");
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const file of files) {
  for (const test of casesOf(file)) {
    const differences = attempt(() => runCase(test));
    if (differences.length === 0) passed++;
    else {
      failed++;
      process.stdout.write(`${file} case ${test.id}, ${test.query.name} ${test.query.type}:\n`);
      for (const difference of differences) process.stdout.write(`  ${difference}\n`);
    }
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** A case that cannot be run has failed; the others go on. */
function attempt(run: () => string[]): string[] {
  try {
    return run();
  } catch (error) {
    return [(error as Error).message];
  }
}

function casesOf(file: string): Case[] {
  try {
    const cases = readCases(file);
    if (cases.length > 0) return cases;
    process.stderr.write(`${file}: no cases in it\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
  }
  process.exit(2);
}
