import { describe, expect, test } from "vitest";
import { UsageError } from "../errors.ts";
import { paths } from "../paths.ts";
import { pulumiArguments, requireSensible } from "./pass-through.ts";

const nothing = "/does/not/exist";

test("where the configuration of the local stack is, is told to what reads it", () => {
  expect(pulumiArguments("local", ["config", "get", "peak:zone"])).toEqual(["config", "--config-file", paths.config, "get", "peak:zone"]);
  expect(pulumiArguments("local", ["--non-interactive", "destroy"])).toEqual(["--non-interactive", "destroy", "--config-file", paths.config]);
});

test.each([
  ["local", ["stack", "export"]],
  ["local", ["--help"]],
  ["pi-testbed", ["config"]],
])("for %s, %j stays as it is", (stack, args) => expect(pulumiArguments(stack, args)).toEqual(args));

describe("without a language host", () => {
  test.each([
    ["up", "use ./peak up"],
    ["preview", "use ./peak preview"],
  ])("%s is refused", (word, message) => {
    expect(() => requireSensible("pi-testbed", [word, "--diff"], nothing)).toThrow(UsageError);
    expect(() => requireSensible("pi-testbed", [word, "--diff"], nothing)).toThrow(message);
  });

  test.each([["stack", "export"], ["up", "--help"], []])("%j is not", (...args) => expect(() => requireSensible("local", args, nothing)).not.toThrow());
});

test("configuration that the next ./peak up would write anew is not set this way", () => {
  const set = (stack: string) => () => requireSensible(stack, ["config", "set", "peak:zone", "edge."], nothing);
  expect(set("local")).toThrow("edit that file");
  expect(set("pi-testbed")).not.toThrow();
});
