import { expect, test } from "vitest";
import { UNKNOWN } from "../shared/properties.ts";
import { normalize } from "./normalize.ts";

const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };

test.each([
  ["stringData of a Secret", { ...secret, stringData: { a: "ä" } }, { ...secret, data: { a: "w6Q=" } }],
  ["stringData over data", { ...secret, stringData: { a: "x" }, data: { a: "eQ==", b: "eg==" } }, { ...secret, data: { a: "eA==", b: "eg==" } }],
  ["base64 in lines", { ...secret, data: { a: "eHl6\neHl6\n" } }, { ...secret, data: { a: "eHl6eHl6" } }],
  ["a Secret without data", secret, secret],
  ["a Secret that is not known yet", { ...secret, stringData: { a: UNKNOWN } }, { ...secret, stringData: { a: UNKNOWN } }],
  ["a definition", { ...definition, spec: { preserveUnknownFields: false, group: "g" }, status: {} }, { ...definition, spec: { group: "g" } }],
  ["any other object", { kind: "ConfigMap", stringData: { a: "x" } }, { kind: "ConfigMap", stringData: { a: "x" } }],
])("%s", (_, inputs, expected) => {
  expect(normalize(inputs)).toEqual(expected);
  expect(normalize(normalize(inputs))).toEqual(expected);
});
