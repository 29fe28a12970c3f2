import { expect, test } from "vitest";
import { markSecrets } from "./secrets.ts";
import { secret } from "../shared/properties.ts";

test("an output is secret where its input was, and no more", () => {
  const outputs = { kind: "ConfigMap", data: { a: "1", b: "2" }, status: {} };
  expect(markSecrets(outputs, { data: { a: secret("1"), b: "2" } })).toEqual({
    kind: "ConfigMap",
    data: { a: secret("1"), b: "2" },
    status: {},
  });
  expect(markSecrets(outputs, { data: secret({ a: "1" }) })).toMatchObject({ data: secret({ a: "1", b: "2" }) });
});

test("a list with a secret in it is secret as a whole, since its order may change", () => {
  expect(markSecrets({ list: [1, 2, 3] }, { list: [secret(3)] })).toEqual({ list: secret([1, 2, 3]) });
});

test("the data of a Secret is always secret, as is what kubectl copied of it", () => {
  const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
  const object = { apiVersion: "v1", kind: "Secret", data: { a: "MQ==" }, metadata: { name: "s", annotations: { [lastApplied]: "{}" } } };
  expect(markSecrets(object, {})).toEqual({
    apiVersion: "v1",
    kind: "Secret",
    data: secret({ a: "MQ==" }),
    metadata: { name: "s", annotations: { [lastApplied]: secret("{}") } },
  });
});
