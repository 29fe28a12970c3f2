import { expect, test } from "vitest";
import { begunObjects, placeable } from "./recovery.ts";

const object = (name: string, metadata: object) =>
  ({ urn: name, type: "kubernetes:core/v1:Secret", custom: true, parent: "p", provider: "q", inputs: { kind: "Secret", metadata, data: { a: "hidden" } } });

test("only Kubernetes objects whose making was begun are looked for, by the name that they have if they were made, and by no secret", () => {
  const pending_operations = [
    { type: "creating", resource: object("begun", { name: "a-1234", namespace: "web" }) },
    { type: "creating", resource: object("global", { name: "b", annotations: { c: "d" } }) },
    { type: "updating", resource: object("updated", { name: "d" }) },
    { type: "creating", resource: { urn: "command", type: "command:local:Command", inputs: {} } },
  ];
  const looked = { type: "kubernetes:core/v1:Secret", custom: true, parent: "p", provider: "q" };
  expect(begunObjects({ version: 3, deployment: { pending_operations } })).toEqual([
    { ...looked, urn: "begun", id: "web/a-1234", inputs: { kind: "Secret", metadata: { name: "a-1234", namespace: "web" } } },
    { ...looked, urn: "global", id: "b", inputs: { kind: "Secret", metadata: { name: "b", annotations: { c: "d" } } } },
  ]);
  expect(begunObjects({ version: 3, deployment: {} })).toEqual([]);
});

test("what a state has no parent or no provider for is not taken into it, and what it has already is not either", () => {
  const resources = [
    { urn: "stack", type: "pulumi:pulumi:Stack" },
    { urn: "provider", type: "pulumi:providers:kubernetes", id: "1" },
    { urn: "there", type: "kubernetes:core/v1:Secret", id: "a" },
  ];
  const begun = (urn: string, parent: string, provider: string) =>
    ({ urn, parent, provider, type: "kubernetes:core/v1:Secret", custom: true as const, id: "a", inputs: { metadata: { name: "a" } } });
  const good = [begun("new", "stack", "provider::1"), begun("child", "new", "provider::1")];
  const bad = [begun("there", "stack", "provider::1"), begun("orphan", "gone", "provider::1"), begun("other", "stack", "provider::2")];
  expect(placeable([...good, ...bad], { version: 3, deployment: { resources } })).toEqual(good);
  expect(placeable(good, { version: 3, deployment: {} })).toEqual([]);
});
