import { describe, expect, test } from "vitest";
import { checkInput } from "./input.ts";

const file = "Pulumi.local.yaml";
const local = "hardware/inventory.local.yaml";
const none = "hardware/inventory.minikube.yaml";
const config = (change: Record<string, string>) => ({ "peak:inventory": local, "peak:ulaPrefix": "fd00::/64", ...change });
const faults = (change: Record<string, string>, text = "") => {
  const input = checkInput(config(change), { file, text });
  return Array.isArray(input) ? input : [];
};

test("what is right is an inventory with as many nodes as were asked for", () => {
  const input = checkInput(config({ "peak:nodes": "4" }), { file, text: "" });
  expect(input).toMatchObject({ settings: { zone: "peak." }, inventory: { kind: "virtual" } });
  expect(!Array.isArray(input) && input.inventory.hosts.map(({ name }) => name)).toEqual(["pi1", "pi2", "pi3", "pi4", "client1", "client2"]);
});

describe("a cluster that exists, or hosts to make one on: not both, and not neither", () => {
  test("both", () => expect(faults({ "peak:kubeContext": "minikube" }))
    .toEqual([expect.stringMatching(/^peak:kubeContext is set, and hardware\/inventory.local.yaml has hosts: .*Empty this key, or name an inventory without hosts/)]));
  test("neither", () => expect(faults({ "peak:inventory": none }))
    .toEqual([expect.stringMatching(/^peak:kubeContext is empty, and hardware\/inventory.minikube.yaml has no hosts: .*Set this key, or name an inventory with hosts/)]));
  test("one of them", () => expect(faults({ "peak:inventory": none, "peak:kubeContext": "minikube", "peak:imageRegistry": "localhost:5000" })).toEqual([]));
  test("a registry for a cluster that has its own", () => expect(faults({ "peak:imageRegistry": "localhost:5000" }))
    .toEqual([expect.stringMatching(/^peak:imageRegistry is for a cluster that exists/)]));
});

test("faults of keys, inventory and both together are told at once, each with its line", () => {
  const text = "# stack\nconfig:\n  peak:zones: x\n  peak:ulaPrefix: fd00::1/64\n  peak:inventory: nowhere.yaml\n";
  expect(faults({ "peak:zones": "x", "peak:ulaPrefix": "fd00::1/64", "peak:inventory": "nowhere.yaml" }, text)).toEqual([
    expect.stringMatching(/^Pulumi.local.yaml:3: peak:zones is no key of this project; there are /),
    expect.stringMatching(/^Pulumi.local.yaml:4: peak:ulaPrefix must be a ULA \/64/),
    "Pulumi.local.yaml:5: peak:inventory names nowhere.yaml, which is not there",
  ]);
});

test("a number of nodes that cannot be", () =>
  expect(faults({ "peak:nodes": "1" })).toEqual([expect.stringMatching(/^peak:nodes /)]));

test("boards are not made up", () =>
  expect(faults({ "peak:inventory": "hardware/inventory.pi-testbed.yaml", "peak:nodes": "13" }, "config:\n  peak:nodes: 13\n"))
    .toEqual(["Pulumi.local.yaml:2: peak:nodes is 13, but the inventory has only 12 boards; add them to its file"]));
