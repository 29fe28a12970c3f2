import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HealthState } from "./state.ts";

/** A state with targets `t0`, `t1`, ..., each on the node that is named for it. */
function stateOf(nodes: readonly (string | undefined)[]): HealthState {
  const state = new HealthState();
  nodes.forEach((node, i) => state.add(`t${i}`, node));
  return state;
}
const outOf = (state: HealthState, size: number): number[] => Array.from({ length: size }, (_, i) => i).filter((i) => state.isOut(`t${i}`));

describe("a target", () => {
  test("is well until it has failed twice in a row, and again after one success", () => {
    const state = stateOf(Array.from({ length: 5 }));
    const told = [true, false, true, false, false, false, true].map((success) => state.record("t0", success));
    expect(told).toEqual([[], [], [], [], ["t0"], [], ["t0"]]);
  });
  test("says how far it is from another verdict", () => {
    const state = stateOf(Array.from({ length: 5 }));
    const distances = [true, false, false, false, true].map((success) => (state.record("t0", success), state.resultsToChange("t0")));
    expect(distances).toEqual([2, 1, 1, 1, 2]);
  });
  test("that is unknown is well", () => {
    const state = stateOf([]);
    expect([state.record("x", false), state.remove("x"), state.isOut("x")]).toEqual([[], [], false]);
  });
});

describe("more than half failing at once", () => {
  const fail = (state: HealthState, targets: readonly number[], times = 2): void => {
    for (let i = 0; i < times; i++) for (const target of targets) state.record(`t${target}`, false);
  };

  test.each([
    ["one of one", 1, [0], true, []],
    ["one of two", 2, [0], false, [0]],
    ["two of two: the first was out before", 2, [0, 1], true, []],
    ["two of four", 4, [0, 1], false, [0, 1]],
    ["three of four", 4, [0, 1, 2], true, []],
  ])("%s", (_, size, failing, frozen, out) => {
    const state = stateOf(Array.from({ length: size }));
    fail(state, failing);
    expect([state.frozen, outOf(state, size)]).toEqual([frozen, out]);
  });

  test("holds verdicts, lets in what answers, and decides when it is over", () => {
    const state = stateOf(Array.from({ length: 4 }));
    fail(state, [0, 1]);
    fail(state, [2]);
    expect([state.frozen, outOf(state, 4)]).toEqual([true, [0, 1]]);
    expect(state.record("t0", true)).toEqual(["t0", "t2"]);
    expect([state.frozen, outOf(state, 4)]).toEqual([false, [1, 2]]);
  });

  test("is over as well when failing targets go, or new ones come", () => {
    const gone = stateOf(Array.from({ length: 4 }));
    fail(gone, [0, 1, 2]);
    fail(gone, [0, 1]);
    expect(gone.remove("t0")).toEqual([]);
    expect(gone.remove("t1")).toEqual(["t2"]);
    const grown = stateOf(Array.from({ length: 3 }));
    fail(grown, [0, 1]);
    expect(grown.add("t3", undefined).length).toBeGreaterThan(0);
    expect(outOf(grown, 4)).toEqual([0, 1]);
  });

  test.each([
    ["all on one node, others are well: the node is dead", ["a", "a", "a", "b"], [0, 1, 2], false],
    ["all there are, on one node", ["a", "a", "a"], [0, 1, 2], true],
    ["most on one node", ["a", "a", "a", "a", "b"], [0, 1, 2], true],
    ["on two nodes", ["a", "a", "b", "c"], [0, 1, 2], true],
    ["on nodes that are not known", [undefined, undefined, undefined, "b"], [0, 1, 2], true],
  ])("%s", (_, nodes, failing, frozen) => {
    const state = stateOf(nodes);
    fail(state, failing);
    expect(state.frozen).toBe(frozen);
  });
});

test("whatever fails, and in whatever order: nobody is out without two failures, and never more than half of one node's targets", () => {
  const steps = fc.array(fc.record({ target: fc.nat(6), success: fc.boolean() }), { maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), steps, (size, results) => {
      const state = stateOf(Array.from({ length: size }));
      const failures = new Map<string, number>();
      const told = new Set<string>();
      for (const { target, success } of results) {
        const id = `t${target}`;
        failures.set(id, success ? 0 : (failures.get(id) ?? 0) + 1);
        // what it tells is the difference to what it said before
        for (const changed of state.record(id, success)) if (!told.delete(changed)) told.add(changed);
        const out = outOf(state, size);
        expect(new Set(out.map((i) => `t${i}`))).toEqual(told);
        for (const i of out) expect(failures.get(`t${i}`)).toBeGreaterThanOrEqual(2);
        expect(2 * out.length).toBeLessThanOrEqual(size);
      }
    }),
  );
});
