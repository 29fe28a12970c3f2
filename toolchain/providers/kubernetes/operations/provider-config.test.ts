import { expect, test } from "vitest";
import { UNKNOWN } from "../../shared/properties.ts";
import { checkConfig, diffConfig } from "./provider-config.ts";

const kubeconfig = (server: string, token = "t", authority = "old"): string =>
  JSON.stringify({
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": authority } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });

test("faults are named; what is not known yet passes", () => {
  expect(checkConfig({ deleteUnreachable: "maybe" })).toMatchObject([{ key: "deleteUnreachable" }]);
  expect(checkConfig({ deleteUnreachable: UNKNOWN, kubeconfig: UNKNOWN })).toEqual([]);
});

test.each([
  ["another token", { kubeconfig: kubeconfig("https://a", "new") }, ["kubeconfig"], []],
  ["another server", { kubeconfig: kubeconfig("https://b") }, ["kubeconfig"], ["kubeconfig"]],
  ["another authority", { kubeconfig: kubeconfig("https://a", "t", "new") }, ["kubeconfig"], ["kubeconfig"]],
  ["a kubeconfig that is not known yet", { kubeconfig: UNKNOWN }, ["kubeconfig"], ["kubeconfig"]],
  ["a kubeconfig that cannot be read", { kubeconfig: "{" }, ["kubeconfig"], []],
  ["an identifier", { kubeconfig: kubeconfig("https://a"), clusterIdentifier: "one" }, ["clusterIdentifier"], []],
  ["another namespace", { kubeconfig: kubeconfig("https://a"), namespace: "web" }, ["namespace"], []],
  ["the same with a version", { kubeconfig: kubeconfig("https://a"), version: "4" }, [], []],
])("%s", async (_, news, changed, replaces) => {
  expect(await diffConfig({ kubeconfig: kubeconfig("https://a") }, news)).toEqual({ changed, replaces });
});

test("a cluster identifier that stays keeps the cluster; another one replaces it", async () => {
  const old = { kubeconfig: kubeconfig("https://a"), clusterIdentifier: "one" };
  for (const news of [kubeconfig("https://b"), kubeconfig("https://a", "t", "new"), UNKNOWN]) {
    expect(await diffConfig(old, { ...old, kubeconfig: news })).toEqual({ changed: ["kubeconfig"], replaces: [] });
  }
  expect((await diffConfig(old, { ...old, clusterIdentifier: "two" })).replaces).toEqual(["clusterIdentifier"]);
});
