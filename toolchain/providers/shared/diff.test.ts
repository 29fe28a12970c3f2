import fc from "fast-check";
import { expect, test } from "vitest";
import { detailedDiff, rootOf } from "./diff.ts";
import { archive, asset, secret, type Properties } from "./properties.ts";

const cases: [string, Properties, Properties, Record<string, string>][] = [
  ["a new and a lost property", { a: 1 }, { b: 1 }, { b: "add", a: "delete" }],
  ["a changed value", { a: 1 }, { a: "1" }, { a: "update" }],
  ["null and absent are the same", { a: null }, { b: null }, {}],
  ["a member of a map", { a: { b: { c: 1 } } }, { a: { b: { c: 2, d: 3 } } }, { "a.b.c": "update", "a.b.d": "add" }],
  ["members of a list", { a: [1, 2] }, { a: [1, 3, 4] }, { "a[1]": "update", "a[2]": "add" }],
  ["a shorter list", { a: [1, 2] }, { a: [1] }, { "a[1]": "delete" }],
  ["another type", { a: [1] }, { a: { b: 1 } }, { a: "update" }],
  ["names that need quotes", { "x.y": 1 }, { "x.y": 2 }, { '["x.y"]': "update" }],
  ["a member of a secret", { a: secret({ b: 1 }) }, { a: secret({ b: 2 }) }, { "a.b": "update" }],
  ["a value that becomes secret", { a: 1 }, { a: secret(1) }, { a: "update" }],
  ["a value that is no longer secret", { a: secret(1) }, { a: 1 }, { a: "update" }],
  ["an asset of the same content", { a: asset({ hash: "1", path: "x" }) }, { a: asset({ hash: "1", text: "y" }) }, {}],
  ["an asset of other content", { a: asset({ hash: "1", path: "x" }) }, { a: asset({ hash: "2", path: "x" }) }, { a: "update" }],
  ["an archive in place of an asset", { a: asset({ hash: "1" }) }, { a: archive({ hash: "1" }) }, { a: "update" }],
];

test.each(cases)("%s", (_name, olds, news, expected) => {
  expect(Object.fromEntries(detailedDiff(olds, news))).toEqual(expected);
});

test("nothing differs from itself", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => detailedDiff(value as Properties, value as Properties).size === 0),
  );
});

test.each([
  ["triggers", "triggers"],
  ["triggers[0].a", "triggers"],
  ["environment.A", "environment"],
  ['["x.y"].z', "x.y"],
])("the root of %s is %s", (path, root) => expect(rootOf(path)).toBe(root));
