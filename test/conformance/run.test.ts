import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readCases } from "./cases.ts";

const sample = join(import.meta.dirname, "cases/ferret-sample.jsonl");
const folder = mkdtempSync(join(tmpdir(), "peak-conformance-"));
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...files: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(import.meta.dirname, "run.ts"), ...files], { encoding: "utf8" });

/** Cases that RFCs give in words: 1034, 1035, 2181, 2308, 3597, 4035, 4343, 4592, 6672, 8020, 9460, 9471 and more. */
const rfcs = join(import.meta.dirname, "cases/rfc.jsonl");

test.each([
  ["the sample", sample],
  ["the RFCs", rfcs],
])("every case of %s passes", (_, file) => {
  const { status, stdout } = run(file);
  expect(stdout).toBe(`${readCases(file).length} passed, 0 failed\n`);
  expect(status).toBe(0);
});

test("an alias that leads to itself may be given once or twice", () => {
  const zone = "z. 1 IN SOA a. b. 1 2 3 4 5\nz. 1 IN NS a.\na.z. 1 IN CNAME a.z.\n";
  const alias = "a.z. 1 IN CNAME a.z.";
  const loop = { id: 1, zone, query: { name: "a.z.", type: "A" }, rcode: "NOERROR", aa: true, authority: [], additional: [] };
  const file = join(folder, "loop.jsonl");
  writeFileSync(file, [[alias], [alias, alias]].map((answer) => JSON.stringify({ ...loop, answer })).join("\n"));
  expect(run(file)).toMatchObject({ status: 0, stdout: "2 passed, 0 failed\n" });
});

test("a wrong answer is shown and fails the run", () => {
  const [first, second] = readCases(sample);
  const file = join(folder, "wrong.jsonl");
  writeFileSync(
    file,
    [first!, { ...second!, rcode: "NXDOMAIN", aa: !second!.aa }, { ...second!, zone: "no zone" }]
      .map((item) => JSON.stringify(item))
      .join("\n"),
  );
  const { status, stdout } = run(file);
  expect(stdout).toContain(
    `case ${second!.id}, ${second!.query.name} ${second!.query.type}:\n  rcode: expected NXDOMAIN, got NOERROR\n  aa:`,
  );
  expect(stdout).toMatch(/cannot be read: .*\n1 passed, 2 failed\n$/);
  expect(status).toBe(1);
});

test.each([
  ["a file that is not there", undefined, /ENOENT.*missing\.jsonl/],
  ["an empty file", "\n", /no cases in it/],
  ["a line that is no JSON", '{"id":1', /odd\.jsonl:1: /],
  ["a case with a field missing", '{"id":1,"zone":""}', /odd\.jsonl:1: [^]*query/],
])("%s is named, and the exit code is 2", (_, content, message) => {
  const file = join(folder, content === undefined ? "missing.jsonl" : "odd.jsonl");
  if (content !== undefined) writeFileSync(file, content);
  const { status, stderr } = run(file);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain("    at ");
  expect(status).toBe(2);
});
