import fc from "fast-check";
import { expect, test } from "vitest";
import { secureDraw } from "./draw.ts";
import { faultOf, randomText, type TextRules } from "./text.ts";

const rules: TextRules = {
  length: 12,
  lower: true,
  upper: true,
  numeric: true,
  special: true,
  minLower: 0,
  minUpper: 0,
  minNumeric: 0,
  minSpecial: 0,
};

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

test("a text follows its rules", () => {
  const few = fc.nat(4);
  const classes = { lower: fc.boolean(), upper: fc.boolean(), numeric: fc.boolean(), special: fc.boolean() };
  const least = { minLower: few, minUpper: few, minNumeric: few, minSpecial: few };
  const any = fc.record({ length: fc.nat(40), ...classes, ...least, overrideSpecial: fc.constantFrom(undefined, "", "_-") });
  fc.assert(
    fc.property(any, (drawn) => {
      fc.pre(faultOf(drawn) === undefined);
      const text = randomText(drawn, secureDraw);
      expect(text).toHaveLength(drawn.length);
      const classesOf = [
        [/[a-z]/g, drawn.lower, drawn.minLower],
        [/[A-Z]/g, drawn.upper, drawn.minUpper],
        [/[0-9]/g, drawn.numeric, drawn.minNumeric],
        [/[^a-zA-Z0-9]/g, drawn.special, drawn.minSpecial],
      ] as const;
      for (const [pattern, on, min] of classesOf) {
        expect(count(text, pattern)).toBeGreaterThanOrEqual(min);
        if (!on) expect(count(text, pattern)).toBe(min);
      }
      if (drawn.overrideSpecial) expect(text).toMatch(/^[a-zA-Z0-9_-]*$/);
    }),
  );
});

test.each([
  [{ length: 0 }, /at least 1/],
  [{ length: 3, minLower: 2, minUpper: 2 }, /length \(3\) must be at least the sum of the min\* inputs \(4\)/],
  [{ lower: false, upper: false, numeric: false, special: false }, /at least one of/],
])("%j is refused", (change, message) => expect(faultOf({ ...rules, ...change })).toMatch(message));
