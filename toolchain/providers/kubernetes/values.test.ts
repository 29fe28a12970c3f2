import { expect, test } from "vitest";
import { secret, UNKNOWN } from "../shared/properties.ts";
import { equal, hasSecret, isObject, plain, type Json } from "./values.ts";

test("plain values have no secret marks, and nothing that is null in objects", () => {
  expect(plain({ a: secret({ b: [secret("c"), null], d: null }), e: null })).toEqual({ a: { b: ["c", null] } });
});

test.each<[Json, boolean]>([
  [{ a: ["b", 1, null] }, false],
  [{ a: { b: [secret("c")] } }, true],
  [secret(UNKNOWN), true],
])("%j holds a secret: %s", (value, holds) => {
  expect(hasSecret(value)).toBe(holds);
});

test.each<[Json, Json, boolean]>([
  [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [[1, 2], [2, 1], false],
  [1, "1", false],
  [{}, [], false],
])("compares %j with %j", (a, b, same) => {
  expect(equal(a, b)).toBe(same);
});

test("a JSON object is neither null nor a list", () => {
  expect([{}, [], null, "text", undefined].map(isObject)).toEqual([true, false, false, false, false]);
});
