import { describe, expect, test } from "vitest";
import { CliError, UsageError } from "../errors.ts";
import { type Answer, differences, refusalsText, shareRefusals, sortAnswers } from "./answers.ts";

const done = (server: string, stdout = ""): Answer => ({ server, code: 0, stdout, stderr: "" });
const wrong = (server: string, said: string): Answer => ({ server, code: 2, stdout: "", stderr: `peakdns: ${said}\n` });
const away = (server: string): Answer => ({ server, fault: "does not run" });

describe("answers", () => {
  test("each is told by how it ended", () =>
    expect(sortAnswers([done("a", "x"), away("b"), wrong("c", "no such name"), { server: "d", code: 1, stdout: "", stderr: "" }])).toEqual({
      done: [{ server: "a", stdout: "x" }],
      faults: ["b: does not run", "d: exit code 1"],
      refused: ["c: no such name"],
    }));

  test("what is wrong to all is asked for wrongly, and said once", () => {
    const sort = () => sortAnswers([wrong("a", "no such name"), wrong("b", "no such name"), away("c")]);
    expect(sort).toThrow(new UsageError("no such name\nc: does not run"));
  });

  test("when none can be asked, it failed", () => {
    expect(() => sortAnswers([away("a"), away("b")])).toThrow(CliError);
    expect(() => sortAnswers([away("a"), away("b")])).toThrow("a: does not run\n  b: does not run");
  });
});

describe("explanations", () => {
  const explanation = (verdicts: Record<string, string>, seconds = 5) => ({
    name: "echo.peak.",
    ttl: { seconds, how: "fixed" },
    targets: Object.entries(verdicts).map(([target, verdict]) => ({ target, verdict, age: Math.random() })),
  });

  test("that agree in what they answer differ in nothing", () =>
    expect(
      differences([
        { server: "a", explanation: explanation({ p: "in", q: "overloaded" }) },
        { server: "b", explanation: explanation({ q: "overloaded", p: "in" }) },
      ]),
    ).toEqual([]));

  test("that do not are told apart", () =>
    expect(
      differences([
        { server: "a", explanation: explanation({ p: "in", q: "in" }) },
        { server: "b", explanation: explanation({ p: "overloaded" }, 1) },
        { server: "c", explanation: explanation({ p: "in", q: "in" }) },
      ]),
    ).toEqual(["TTL: 5 s (a, c), 1 s (b)", "p: in (a, c), overloaded (b)", "q: in (a, c), unknown (b)"]));
});

describe("refusals", () => {
  const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;
  const refusal = (prefix: string, until?: string) => ({ prefix, action: "refuse", ...(until !== undefined && { until }) });

  test("are one where servers share them, also where they end a moment apart", () =>
    expect(
      shareRefusals([
        { server: "a", refusals: [refusal("::1/128", at(1)), refusal("10.0.0.0/8")] },
        { server: "b", refusals: [refusal("::1/128", at(2))] },
      ]),
    ).toEqual([
      { ...refusal("::1/128", at(2)), servers: ["a", "b"] },
      { ...refusal("10.0.0.0/8"), servers: ["a"] },
    ]));

  test("as text", () => {
    expect(refusalsText([], 2)).toBe("no prefix is refused or dropped\n");
    const shared = [
      { ...refusal("::1/128", at(2)), servers: ["a", "b"] },
      { ...refusal("10.0.0.0/8"), servers: ["a"] },
    ];
    expect(refusalsText(shared, 2)).toBe(`::1/128\trefuse\t${at(2)}\n10.0.0.0/8\trefuse\tfor good\tonly a\n`);
  });
});
