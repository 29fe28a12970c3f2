import { describe, expect, test } from "vitest";
import { nextStep, type Generations } from "../../components/pki/generations.ts";
import { appliedSince, nextMove, stepText, type PastUpdate } from "./rotation.ts";

/** Runs a rotation until it is done; `die` says after which writing of the configuration or end of an update it is killed. */
function rotation(die: (event: number) => boolean) {
  let [wanted, applied]: [Generations, Generations] = [[1], [1]];
  let event = 0;
  const log: string[] = [];
  const run = (): boolean => {
    for (let begun = false; ; begun = true) {
      const move = nextMove(wanted, applied, begun);
      if (move.kind === "done") return true;
      if (move.kind === "step") {
        wanted = move.step.to;
        if (die(event++)) return false;
      }
      applied = wanted;
      log.push(`${applied}`);
      if (die(event++)) return false;
    }
  };
  for (let runs = 0; runs < 10; runs++) if (run()) return { applied, log };
  throw new Error("it does not end");
}

test("a rotation brings about each step once", () => {
  expect(rotation(() => false)).toEqual({ applied: [2], log: ["1,2", "2,1", "2"] });
});

test.each([0, 1, 2, 3, 4])("killed at moment %i, the same command goes on from there", (moment) => {
  expect(rotation((event) => event === moment)).toEqual({ applied: [2], log: ["1,2", "2,1", "2"] });
});

test("steps are told in words", () => {
  expect([stepText(nextStep([1])), stepText(nextStep([1, 2])), stepText(nextStep([2, 1]))]).toEqual([
    "1 of 3: generation 2 is made, and trusted beside 1",
    "2 of 3: generation 2 is used; 1 is still trusted",
    "3 of 3: only generation 2 is trusted; the one before is gone",
  ]);
});

describe("since when keys are as they are", () => {
  const update = (keys: string, hour: number, change: Partial<PastUpdate> = {}): PastUpdate =>
    ({ kind: "update", result: "succeeded", endTime: `2026-01-01T0${hour}:00:00Z`, keys, ...change });
  const same = (keys: string) => keys === "b";
  test.each<[string, PastUpdate[], string | undefined]>([
    ["the first update that brought them", [update("b", 5), update("b", 3), update("a", 1)], "2026-01-01T03:00:00.000Z"],
    ["one that failed has not", [update("b", 5), update("b", 3, { result: "failed" }), update("a", 1)], "2026-01-01T05:00:00.000Z"],
    ["a refresh changes nothing", [update("b", 5), update("", 4, { kind: "refresh" }), update("b", 3)], "2026-01-01T03:00:00.000Z"],
    ["an earlier time with them does not count", [update("b", 5), update("a", 4), update("b", 1)], "2026-01-01T05:00:00.000Z"],
    ["never", [update("a", 1)], undefined],
  ])("%s", (_, history, since) => expect(appliedSince(history, same)?.toISOString()).toBe(since));
});
