import { expect, test } from "vitest";
import { globToRegExp, select } from "./glob.ts";

test.each([
  ["*.txt", "a.txt", true],
  ["*.txt", "a/b.txt", false],
  ["**.txt", "a/b.txt", true],
  ["a/**", "a/b/c", true],
  ["a?c", "abc", true],
  ["a?c", "a/c", false],
  ["[a-c]1", "b1", true],
  ["[!a-c]1", "b1", false],
  ["[!a-c]1", "d1", true],
  ["{one,two/*}.js", "two/x.js", true],
  ["{one,two}.js", "three.js", false],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["a.b+(c)", "a.b+(c)", true],
  ["a.b", "aXb", false],
])("%s matches %s: %s", (glob, path, expected) => expect(globToRegExp(glob).test(path)).toBe(expected));

test("an open brace is an error", () => expect(() => globToRegExp("{a")).toThrow('"{" without "}"'));

test("globs apply in turn, those with ! take out again", () => {
  const paths = ["assets/logos/logo.svg", "src/index.js", "src/secret.js", "readme"];
  expect(select(paths, ["assets/**", "src/**.js", "!**secret.*"])).toEqual(["assets/logos/logo.svg", "src/index.js"]);
  expect(select(paths, ["!**secret.*", "src/*"])).toEqual(["src/index.js", "src/secret.js"]);
  expect(select(paths, [])).toEqual([]);
});
