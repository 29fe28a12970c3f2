import { expect, test } from "vitest";
import { equal, hasSecrets, hasUnknowns, isSecret, plain, secret, unknown, type Json } from "./values.ts";

test("a secret is marked once, however deep the value", () => {
  const marked = secret({ a: 1 });
  expect(isSecret(marked)).toBe(true);
  expect(secret(marked)).toBe(marked);
});

test("plain values have no markers, and nothing that is null in objects", () => {
  expect(plain({ a: secret({ b: [secret("c"), null], d: null }), e: null })).toEqual({ a: { b: ["c", null] } });
});

test.each<[string, Json, boolean, boolean]>([
  ["nothing special", { a: ["b", 1, null] }, false, false],
  ["an unknown in a list", { a: [unknown] }, true, false],
  ["a secret in an object", { a: { b: secret("c") } }, false, true],
  ["an unknown in a secret", { a: secret(unknown) }, true, true],
])("finds markers: %s", (_, value, unknowns, secrets) => {
  expect([hasUnknowns(value), hasSecrets(value)]).toEqual([unknowns, secrets]);
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
