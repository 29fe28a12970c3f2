import { readFileSync } from "node:fs";
import type { EngineEvent, StepEventMetadata } from "@pulumi/pulumi/automation/index.js";
import { describe, expect, test } from "vitest";
import { propertyChanges, type ResourceChange } from "./changes.ts";
import { changeJson, isEmptyPlan, type Plan, planLines } from "./plan.ts";
import { OperationProgress } from "./progress.ts";

// Recorded from the engine 3.246.0: a virtual Pi of which one command is changed in all ways, one replaced, one new and one gone.
const events = JSON.parse(readFileSync(new URL("preview.events.json", import.meta.url), "utf8")) as EngineEvent[];

function recorded(): Plan {
  const progress = new OperationProgress([]);
  for (const event of events) progress.apply(event, 0);
  return { resources: progress.changed, outputs: progress.outputs };
}

describe("a recorded preview", () => {
  test("with its differences", () =>
    expect(planLines(recorded(), true)).toEqual([
      "VirtualPi pi1: 1 to create, 1 to delete, 2 to replace, 1 to update",
      "  +  Command pi1-new",
      "  -  Command pi1-old",
      "  +- Command pi1-trig",
      '       ~ create: "echo 10 > /dev/null" -> "echo 12 > /dev/null"',
      "       ~ stdin: [secret] -> [unknown]",
      '       ~ triggers[0]: "a" -> "b"  (forces replacement)',
      "  ~  Command pi1-up",
      '       ~ create: "echo one" -> "echo two"',
      '       + environment.ADDED: "x"',
      '       - environment.GONE: "y"',
      "       ~ stdin: [secret] -> [secret]",
      "  +- RandomPassword pi1-pw",
      "       ~ length: 10 -> 12  (forces replacement)",
      "Outputs:",
      "  ~ second: false -> true",
    ]));

  test("without", () =>
    expect(planLines(recorded(), false)).toEqual([
      "VirtualPi pi1: 1 to create, 1 to delete, 2 to replace, 1 to update",
      "  +  Command pi1-new",
      "  -  Command pi1-old",
      "  +- Command pi1-trig  (because of triggers[0])",
      "  ~  Command pi1-up  (create, environment.ADDED, environment.GONE, stdin)",
      "  +- RandomPassword pi1-pw  (because of length)",
      "Outputs: second",
    ]));

  test("as JSON", () =>
    expect(recorded().resources.map(changeJson)).toContainEqual({
      urn: "urn:pulumi:rec::peak::peak:node:Machines$peak:node:VirtualPi$random:index/randomPassword:RandomPassword::pi1-pw",
      type: "random:index/randomPassword:RandomPassword",
      name: "pi1-pw",
      op: "replace",
      component: "VirtualPi pi1",
      properties: [{ path: "length", kind: "update", replaces: true, old: 10, new: 12 }],
    }));
});

const urn = (type: string, name: string) => `urn:pulumi:local::peak::${type}::${name}`;
const change = (op: string, name: string, component: string, properties: ResourceChange["properties"] = []): ResourceChange =>
  ({ op, urn: urn("command:local:Command", name), component: urn("peak:node:VirtualPi", component), properties });

test("a component that comes or goes as a whole is one line, unless its parts are asked for", () => {
  const plan = { resources: [change("delete", "c", "pi10"), change("create", "b", "pi2"), change("create", "a", "pi2")], outputs: [] };
  expect(planLines(plan, false)).toEqual(["VirtualPi pi2: 2 to create", "VirtualPi pi10: 1 to delete"]);
  expect(planLines(plan, true).slice(0, 3)).toEqual(["VirtualPi pi2: 2 to create", "  +  Command a", "  +  Command b"]);
  expect(planLines(plan, true).slice(3)).toEqual(["-  Command c of VirtualPi pi10"]);
});

test("a resource outside of any component is a line of its own", () => {
  const seed = urn("random:index/randomId:RandomId", "seed");
  expect(planLines({ resources: [{ urn: seed, op: "create", component: seed, properties: [] }], outputs: [] }, true)).toEqual(["+  RandomId seed"]);
});

test("long values are cut to where they begin to differ", () => {
  const script = (word: string) => `#!/bin/sh\n${"echo the same\n".repeat(20)}${word}${"\necho the same".repeat(20)}`;
  const properties = [{ path: "create", kind: "update" as const, replaces: false, old: script("one"), new: script("two") }];
  const [, line = ""] = planLines({ resources: [change("update", "a", "pi1", properties)], outputs: [] }, true);
  expect(line).toMatch(/^ {5}~ create: ….*one.*… -> ….*two.*…$/);
  expect(line.length).toBeLessThan(160);
});

test("nothing to do is an empty plan", () => {
  expect(isEmptyPlan({ resources: [], outputs: [] })).toBe(true);
  expect(isEmptyPlan(recorded())).toBe(false);
});

describe("properties", () => {
  const step = (fields: object) => propertyChanges({ op: "update", urn: "", type: "", provider: "", ...fields } as unknown as StepEventMetadata);
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };

  test("inside of a secret nothing is shown", () =>
    expect(
      step({
        old: { inputs: { connection: secret, deep: [{ key: secret }] } },
        new: { inputs: { connection: secret, deep: [{ key: secret }, 1] } },
        detailedDiff: { "connection.host": { diffKind: "update", inputDiff: true }, deep: { diffKind: "update", inputDiff: true } },
      }),
    ).toEqual([
      { path: "connection.host", kind: "update", replaces: false, old: "[secret]", new: "[secret]" },
      { path: "deep", kind: "update", replaces: false, old: [{ key: "[secret]" }], new: [{ key: "[secret]" }, 1] },
    ]));

  test("names in quotes are followed, and what only the outputs have is found", () =>
    expect(
      step({
        old: { inputs: {}, outputs: { metadata: { annotations: { "a.b/c": "1" } } } },
        new: { inputs: { metadata: { annotations: { "a.b/c": "2" } } } },
        detailedDiff: { 'metadata.annotations["a.b/c"]': { diffKind: "update", inputDiff: false } },
      }),
    ).toEqual([{ path: 'metadata.annotations["a.b/c"]', kind: "update", replaces: false, old: "1", new: "2" }]));

  test("where the provider tells no more than names, these", () =>
    expect(step({ op: "replace", old: { inputs: { a: 1 } }, new: { inputs: { a: 2 } }, diffs: ["a"], keys: ["a"], detailedDiff: null })).toEqual([
      { path: "a", kind: "update", replaces: true, old: 1, new: 2 },
    ]));

  test("what is made or removed has no changed properties", () => expect(step({ op: "create", new: { inputs: { a: 1 } } })).toEqual([]));
});
