import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parseSettings } from "./config.ts";
import { parseKeyring } from "./pki/generations.ts";

const good = { inventory: "hardware/inventory.local.yaml", ulaPrefix: "fd7e:ea4c:0:1::/64" };
const namespaced = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).map(([key, value]) => [`peak:${key}`, value]));
const faults = (config: Record<string, string>) => {
  const parsed = parseSettings(config);
  return "faults" in parsed ? parsed.faults.map(({ key, message }) => `${key} ${message}`).join("\n") : "";
};
const settings = (values: Record<string, string>) => {
  const parsed = parseSettings(namespaced(values));
  if ("faults" in parsed) throw new Error(faults(namespaced(values)));
  return parsed.settings;
};

describe("settings", () => {
  test("defaults", () => expect(settings(good)).toEqual({ ...good, zone: "peak.", echoReplicas: 4, keys: parseKeyring("") }));

  test("an empty value is an absent one", () =>
    expect(settings({ ...good, nodes: "", globalPrefix: "", kubeContext: "", imageRegistry: "", baseImage: "" })).toEqual(settings(good)));

  test("everything set", () => {
    const all = { ...good, nodes: "5", zone: "Edge.Example.", globalPrefix: "2001:db8::/64", kubeContext: "c", baseImage: "b", echoReplicas: "1", keys: "dns=2" };
    expect(settings(all)).toEqual({ ...all, nodes: 5, zone: "edge.example.", echoReplicas: 1, keys: parseKeyring("dns=2") });
  });

  test.each([
    ["inventory", undefined, "peak:inventory is missing"],
    ["ulaPrefix", undefined, "peak:ulaPrefix is missing"],
    ["ulaPrefix", "2001:db8::/64", "peak:ulaPrefix must be a ULA /64"],
    ["ulaPrefix", "fd00::/48", "peak:ulaPrefix must be a ULA /64"],
    ["ulaPrefix", "fd00::1/64", "host bits set"],
    ["globalPrefix", "fd00::/64", "peak:globalPrefix must be a global /64"],
    ["zone", "peak", "peak:zone must be a domain name with its final dot"],
    ["zone", "a_b.", "peak:zone must be a domain name"],
    ["nodes", "1", "peak:nodes"],
    ["nodes", "three", "peak:nodes must be a whole number"],
    ["echoReplicas", "0", "peak:echoReplicas"],
    ["echoReplicas", "4.5", "peak:echoReplicas must be a whole number"],
    ["imageRegistry", "http://localhost:5000", "peak:imageRegistry must be NAME:PORT"],
    ["keys", "colour=1", "peak:keys is wrong: \"colour=1\" must be one of kubernetes, etcd"],
  ])("%s = %j is refused", (key, value, message) => {
    const values: Record<string, string> = { ...good };
    if (value === undefined) delete values[key];
    else values[key] = value;
    expect(() => settings(values)).toThrow(message);
  });

  test("0 nodes are as many as the inventory has", () => expect(settings({ ...good, nodes: "0" })).toEqual(settings(good)));

  test.each(["peak:zones", "peek:zone", "peak:Zone"])("there is no key %s", (key) =>
    expect(faults({ ...namespaced(good), [key]: "x" })).toContain(`${key} is no key of this project; there are peak:inventory, peak:nodes, peak:zone`));

  test("keys of the engine and of plugins are not ours to judge", () =>
    expect(faults({ ...namespaced(good), "kubernetes:context": "x", "pulumi:tags": "{}" })).toBe(""));

  test("every fault is named at once", () =>
    expect(() => settings({ zone: "x" })).toThrow(/peak:inventory.*peak:zone.*peak:ulaPrefix/s));
});

describe("the stacks' files", () => {
  const keysOf = (file: string) => Object.keys((parse(readFileSync(file, "utf8")) as { config: object }).config);

  test.each(["local", "pi-testbed", "minikube"])("%s has the keys that Pulumi.yaml describes, and its values are good", (stack) => {
    const { config } = parse(readFileSync(`Pulumi.${stack}.yaml`, "utf8")) as { config: Record<string, string | number> };
    const described = keysOf("Pulumi.yaml").filter((key) => key !== "peak:nodes");
    expect(Object.keys(config).sort()).toEqual(described.sort());
    const texts = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
    expect(parseSettings(texts)).toMatchObject({ settings: { zone: "peak." } });
    expect(typeof config["peak:echoReplicas"]).toBe("number");
  });
});
