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
    const state = stateOf(Array.from({ length: 5 }));
    fail(state, [0]);
    fail(state, [1, 2, 3]);
    expect([state.frozen, outOf(state, 5)]).toEqual([true, [0]]);
    // who was out is a witness again
    expect(state.record("t0", true)).toEqual(["t0"]);
    expect([state.frozen, outOf(state, 5)]).toEqual([true, []]);
    expect(state.record("t1", true)).toEqual(["t2", "t3"]);
    expect([state.frozen, outOf(state, 5)]).toEqual([false, [2, 3]]);
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
    ["all on one node, and one elsewhere", ["a", "a", "a", "b", "c"], [0, 1, 2, 3], true],
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

describe("a target that fails for long", () => {
  const record = (state: HealthState, targets: readonly number[], success: boolean, times: number): void => {
    for (let i = 0; i < times; i++) for (const target of targets) state.record(`t${target}`, success);
  };
  const nodes = ["a", "a", "a", "b", "c"];

  test.each([
    ["that has answered once", true],
    ["that has never answered", false],
  ])("%s does not hide that a node is dead", (_, answered) => {
    const state = stateOf(nodes);
    record(state, answered ? [0, 1, 2, 3, 4] : [0, 1, 2, 4], true, 1);
    record(state, [3], false, 5);
    record(state, [0, 1, 2], false, 2);
    expect([state.frozen, outOf(state, 5)]).toEqual([false, [0, 1, 2, 3]]);
  });

  test("hides nothing either when there are many of it, whose probe can never succeed", () => {
    const state = stateOf(["a", "b", "c", "a", "b"]);
    record(state, [3, 4], true, 1);
    record(state, [0, 1, 2], false, 9);
    expect(state.frozen).toBe(true);
    record(state, [0, 1, 2], false, 1);
    expect(state.frozen).toBe(false);
    record(state, [3], false, 2);
    expect(outOf(state, 5)).toEqual([0, 1, 2, 3]);
  });

  test("is still held while the fault is ours", () => {
    const state = stateOf(nodes);
    record(state, [0, 1, 2, 3, 4], true, 1);
    record(state, [3], false, 5);
    record(state, [0, 1, 2, 4], false, 50);
    expect([state.frozen, outOf(state, 5)]).toEqual([true, [3]]);
  });
});

test("whatever fails, and in whatever order: nobody is out without two failures, and never all at once", () => {
  const steps = fc.array(fc.record({ target: fc.nat(6), success: fc.boolean() }), { maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), steps, (size, results) => {
      const state = stateOf(Array.from({ length: size }));
      const failures = new Map<string, number>();
      const told = new Set<string>();
      const answered = new Set<string>();
      for (const { target, success } of results) {
        const id = `t${target}`;
        if (success && target < size) answered.add(id);
        failures.set(id, success ? 0 : (failures.get(id) ?? 0) + 1);
        // what it tells is the difference to what it said before
        for (const changed of state.record(id, success)) if (!told.delete(changed)) told.add(changed);
        const out = outOf(state, size);
        expect(new Set(out.map((i) => `t${i}`))).toEqual(told);
        for (const i of out) expect(failures.get(`t${i}`)).toBeGreaterThanOrEqual(2);
        // unless one of them has never answered
        if (answered.size === size) expect(out.length).toBeLessThan(size);
      }
    }),
  );
});
