import { expect, test } from "vitest";
import { at, conditionIsTrue, describe as describeObject, idOf, listAt, numberAt, objectAt, parseId, textAt, without } from "./objects.ts";

const object = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "echo", namespace: "web", labels: {} },
  spec: { replicas: 2 },
};

test("accessors answer what is there, and undefined or nothing for what is not of that type", () => {
  expect(at(object, "spec", "replicas")).toBe(2);
  expect(at(object, "spec", "replicas", "deeper")).toBeUndefined();
  expect(textAt(object, "spec", "replicas")).toBeUndefined();
  expect(numberAt(object, "kind")).toBeUndefined();
  expect(listAt(object, "spec")).toEqual([]);
  expect(objectAt(object, "kind")).toEqual({});
  expect(describeObject(object)).toBe("apps/v1 Deployment web/echo");
});

test.each(["web/echo", "echo"])("the ID %s leads back to the object", (id) => {
  const { name, namespace } = parseId(id);
  expect(idOf({ metadata: { name, ...(namespace === "" ? {} : { namespace }) } })).toBe(id);
});

test("a member is left out of the copy only", () => {
  expect(without(object, ["metadata", "labels"])["metadata"]).toEqual({ name: "echo", namespace: "web" });
  expect(object.metadata).toHaveProperty("labels");
  expect(without(object, ["status", "phase"])).toBe(object);
});

test("a condition holds when its status is True", () => {
  const conditions = [{ type: "Ready", status: "True" }, { type: "Other", status: "False" }, "broken"];
  expect(["Ready", "Other", "Missing"].map((type) => conditionIsTrue({ status: { conditions } }, type))).toEqual([true, false, false]);
});
