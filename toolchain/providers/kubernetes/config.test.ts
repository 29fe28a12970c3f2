import { expect, test } from "vitest";
import { parseConfig } from "./config.ts";

test("settings win over the environment, which wins over the defaults", () => {
  expect(parseConfig({}, {}).config).toMatchObject({ deleteUnreachable: false, requestTimeoutSeconds: 60, kubeconfig: undefined });
  const env = { PULUMI_K8S_DELETE_UNREACHABLE: "true", PULUMI_K8S_CLIENT_TIMEOUT: "5" };
  expect(parseConfig({}, env).config).toMatchObject({ deleteUnreachable: true, requestTimeoutSeconds: 5 });
  const settings = { deleteUnreachable: "false", kubeClientSettings: '{"timeout":7,"qps":50}', kubeconfig: "", namespace: "web" };
  expect(parseConfig(settings, env)).toEqual({
    config: expect.objectContaining({ deleteUnreachable: false, requestTimeoutSeconds: 7, kubeconfig: undefined, namespace: "web" }),
    faults: [],
  });
});

test.each([
  [{ deleteUnreachable: "yes" }, /"yes" is neither true nor false/],
  [{ enableServerSideApply: "false" }, /client-side apply is not supported.*official plugin/],
  [{ renderYamlToDirectory: "out" }, /rendering to YAML files is not supported/],
  [{ kubeClientSettings: "{" }, /is not JSON/],
  [{ kubeClientSettings: '{"timeout":-1}' }, /timeout -1 is not a number of seconds/],
])("%j is refused", (settings, reason) => {
  const { faults } = parseConfig(settings, {});
  expect(faults).toEqual([{ key: Object.keys(settings)[0], reason: expect.stringMatching(reason) }]);
});
