import { describe, expect, test } from "vitest";
import { clientSpec, networkSpec, parseSpec, piSpec } from "./spec.ts";

const pi = {
  name: "pi1",
  addresses: ["fd00:0:0:1:1::1"],
  gateway: "fd00:0:0:1:ffff::1",
  authorizedKeys: ["ssh-ed25519 AAAA operator", "ssh-ed25519 CCCC"],
  hostKeys: [{ private: "-----BEGIN OPENSSH PRIVATE KEY-----\n…\n", public: "ssh-ed25519 BBBB pi1" }],
};
const client = {
  name: "client1",
  addresses: ["fd00:0:0:1:65::1"],
  gateway: "fd00:0:0:1:ffff::1",
  routes: [{ via: "fd00:0:0:1:1::1", prefixes: ["fd00:0:0:1:1::/80"] }],
  resolver: "server:\n  interface: ::1@53\n",
};
const network = { prefixes: ["fd00:0:0:1::/64"], router: ["fd00:0:0:1:ffff::1"], host: "fd00:0:0:1:fffe::1", routes: client.routes };

describe("a spec is parsed as it is", () => {
  test.each([
    ["pi", piSpec, pi],
    ["client", clientSpec, client],
    ["network", networkSpec, network],
  ])("%s", (_, schema, spec) => expect(parseSpec<unknown>(schema, JSON.stringify(spec))).toEqual(spec));
});

describe("a fault is named with its place", () => {
  test.each([
    ["name: use 1 to 15", { ...pi, name: "Pi_1" }],
    ["name: is the name of something else", { ...pi, name: "switch" }],
    ["addresses.0: not an IPv6 address", { ...pi, addresses: ["10.0.0.1"] }],
    ["authorizedKeys.0: must be one line", { ...pi, authorizedKeys: ["ssh-ed25519 AAAA\nb"] }],
    ["authorizedKeys: ", { ...pi, authorizedKeys: [] }],
    ["hostKeys.0.private", { ...pi, hostKeys: [{ private: "", public: "ssh-ed25519 x" }] }],
    ["hostKeys.0.public", { ...pi, hostKeys: [{ ...pi.hostKeys[0], public: "ssh-dss x" }] }],
    ["Unrecognized key", { ...pi, colour: "red" }],
  ])("%s", (message, spec) => expect(() => parseSpec(piSpec, JSON.stringify(spec))).toThrow(message));

  test.each(["fd00::", "fd00::/129", "10.0.0.0/8", "fd00::/64/1"])("prefix %s", (prefix) => {
    const spec = { ...client, routes: [{ via: "fd00::1", prefixes: [prefix] }] };
    expect(() => parseSpec(clientSpec, JSON.stringify(spec))).toThrow("routes.0.prefixes.0: not an IPv6 prefix");
  });

  test("no JSON", () => expect(() => parseSpec(piSpec, "{")).toThrow("standard input is not JSON"));
});
