import fc from "fast-check";
import { expect, test } from "vitest";
import { changes, formatPath, isBelow, parsePath } from "./diff.ts";
import { equal, type Json } from "./values.ts";

test.each<[Json, Json, [string, string][]]>([
  [{ a: 1 }, { a: 1 }, []],
  [{ a: 1 }, { a: 2 }, [["a", "update"]]],
  [{ a: { b: 1 } }, { a: {} }, [["a.b", "delete"]]],
  [{}, { a: { b: 1 } }, [["a", "add"]]],
  [
    { a: [1, 2] },
    { a: [1, 3, 4] },
    [
      ["a[1]", "update"],
      ["a[2]", "add"],
    ],
  ],
  [{ a: [1, 2] }, { a: [1] }, [["a[1]", "delete"]]],
  [{ a: [1] }, { a: { b: 1 } }, [["a", "update"]]],
  [{ l: { "a.b/c": "x" } }, { l: { "a.b/c": "y" } }, [['l["a.b/c"]', "update"]]],
])("from %j to %j", (old, next, expected) => {
  expect(changes(old, next).map(({ path, kind }) => [formatPath(path), kind])).toEqual(expected);
});

const json = fc.jsonValue({ maxDepth: 3 }).map((value): Json => JSON.parse(JSON.stringify(value)));

test("there are changes exactly between different values", () => {
  fc.assert(fc.property(json, json, (a, b) => (changes(a, b).length === 0) === equal(a, b)));
  fc.assert(fc.property(json, (value) => changes(value, structuredClone(value)).length === 0));
});

test("paths are read as they are written", () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9/_. -]+$/).filter((text) => /[."[\]]/.test(text) || /^[^\s.[\]]+$/.test(text));
  const path = fc.tuple(name, fc.array(fc.oneof(name, fc.nat(99)))).map(([first, rest]) => [first, ...rest]);
  fc.assert(fc.property(path, (steps) => equal(parsePath(formatPath(steps)), steps)));
});

test.each([
  ["spec.replicas", "spec", true],
  ["spec", "spec", true],
  ["spec", "spec.replicas", false],
  ["spec.containers[1].image", "spec.containers[*].image", true],
  ["specs", "spec", false],
])("%s is below %s: %s", (path, prefix, below) => {
  expect(isBelow(parsePath(path), parsePath(prefix))).toBe(below);
});
