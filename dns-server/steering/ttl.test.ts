import fc from "fast-check";
import { expect, test } from "vitest";
import type { TtlSpec } from "../model/domain.ts";
import { ttlOf } from "./ttl.ts";

const settings = { ttl: 5, ttlRange: [1, 60] as const };
const none = { queried: undefined, secondsToChange: [] };

test.each<[TtlSpec | undefined, Parameters<typeof ttlOf>[1], number, string]>([
  [undefined, none, 5, "default"],
  [{ kind: "fixed", seconds: 30 }, none, 30, "fixed"],
  [{ kind: "fixed", seconds: 0 }, none, 1, "fixed: 0, raised to the lowest allowed"],
  [{ kind: "fixed", seconds: 3600 }, none, 60, "fixed: 3600, lowered to the highest allowed"],
  [{ kind: "query", query: "x" }, none, 5, "default until its query has a value"],
  [{ kind: "query", query: "x" }, { ...none, queried: 7.2 }, 8, "query"],
  [{ kind: "query", query: "x" }, { ...none, queried: -3 }, 1, "query: -3, raised to the lowest allowed"],
  [{ kind: "auto" }, none, 60, "auto: nothing is known to change it"],
  [{ kind: "auto" }, { ...none, secondsToChange: [5, 2, 2] }, 2, "auto: time to the next possible change"],
])("%o %o: %i, %s", (spec, facts, seconds, how) => {
  expect(ttlOf(spec, facts, settings)).toEqual({ seconds, how });
});

test("is a whole number within the range, whatever is asked for", () => {
  const spec = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((seconds): TtlSpec => ({ kind: "fixed", seconds })),
    fc.constantFrom<TtlSpec>({ kind: "query", query: "x" }, { kind: "auto" }),
  );
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(spec, fc.option(number, { nil: undefined }), fc.array(number), (asked, queried, secondsToChange) => {
      const { seconds } = ttlOf(asked, { queried, secondsToChange }, settings);
      expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60).toBe(true);
    }),
  );
});
