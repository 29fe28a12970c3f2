import { expect, test } from "vitest";
import { parseWaitFor } from "./wait-for.ts";

const none = { pods: [], endpointSlices: [], services: [], storageClasses: [] };
const object = {
  status: {
    phase: "Active",
    conditions: [
      { type: "Ready", status: "True" },
      { type: "Stalled", status: "False" },
    ],
  },
};

test.each([
  ["condition=Ready", true],
  ["condition=Stalled", false],
  ["condition=Stalled=false", true],
  ["condition=Missing", false],
  ["jsonpath={.status.phase}", true],
  ["jsonpath={.status.missing}", false],
  ["jsonpath={.status.phase}=Active", true],
  ["jsonpath='{.status.phase}'=Active", true],
  ["jsonpath=.status.phase=Active", true],
  ["jsonpath={.status.phase}=Gone", false],
  ['jsonpath={.status.conditions[?(@.type=="Ready")].status}=True', true],
  ['["condition=Ready","jsonpath={.status.phase}=Active"]', true],
  ['["condition=Ready","condition=Stalled"]', false],
])("%s: %s", (value, isReady) => {
  expect(parseWaitFor(value).status(object, none).state).toBe(isReady ? "ready" : "waiting");
});

test("what is still open is named", () => {
  const status = parseWaitFor('["condition=Ready","condition=Stalled"]').status(object, none);
  expect(status).toMatchObject({ message: "waits for condition=Stalled" });
});

test.each(["Ready", "condition=", "[]", "[1]", "[", "jsonpath={}"])("%s is refused", (value) => {
  expect(() => parseWaitFor(value)).toThrow();
});
