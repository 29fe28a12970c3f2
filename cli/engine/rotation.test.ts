import { describe, expect, test } from "vitest";
import { nextStep, type Generations } from "../../components/pki/generations.ts";
import { appliedOf, nextMove, stepText, type PastUpdate } from "./rotation.ts";

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

describe("what a stack has come to", () => {
  const update = (keys: string, hour: number, change: Partial<PastUpdate> = {}): PastUpdate =>
    ({ kind: "update", result: "succeeded", endTime: `2026-01-01T0${hour}:00:00Z`, keys, partial: false, ...change });
  const [before, now] = ["dns=1,2", "dns=2,1 etcd=2"];
  test.each<[string, PastUpdate[], string | undefined]>([
    ["since the first update that brought it", [update(now, 5), update("dns=2,1", 3), update(before, 1)], "2,1 since 03"],
    ["not by one that failed", [update(now, 5, { result: "failed" }), update(before, 3)], "1,2 since 03"],
    ["not by one of some resources only", [update(now, 5, { partial: true }), update(before, 3)], "1,2 since 03"],
    ["whatever failed in between", [update(now, 5), update(before, 4, { result: "failed" }), update(now, 3)], "2,1 since 03"],
    ["whatever a refresh ran with", [update(now, 5), update("", 4, { kind: "refresh" }), update(now, 3)], "2,1 since 03"],
    ["not since an earlier time with it", [update(now, 5), update(before, 4), update(now, 1)], "2,1 since 05"],
    ["nothing since it was destroyed", [update(now, 5, { result: "failed" }), update(now, 4, { kind: "destroy" }), update(now, 3)], undefined],
    ["nothing", [update(now, 1, { result: "failed" })], undefined],
  ])("%s", (_, history, expected) => {
    const applied = appliedOf(history, "dns");
    expect(applied && `${applied.generations} since ${applied.since.toISOString().slice(11, 13)}`).toBe(expected);
  });
});
