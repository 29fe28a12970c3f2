import { describe, expect, test } from "vitest";
import { loadInventory, parseInventory, withNodeCount } from "./inventory.ts";

const parse = (text: string) => parseInventory(text, "test.yaml");
const names = (inventory: ReturnType<typeof parse>) => inventory.hosts.map((host) => `${host.name}=${host.number}`);

describe("inventories of the stacks", () => {
  const roles = (path: string) => {
    const counts: Record<string, number> = {};
    for (const { role } of loadInventory(path).hosts) counts[role] = (counts[role] ?? 0) + 1;
    return counts;
  };
  test("local", () => expect(roles("hardware/inventory.local.yaml")).toEqual({ steering: 1, service: 2, client: 2 }));
  test("pi-testbed", () => expect(roles("hardware/inventory.pi-testbed.yaml")).toEqual({ steering: 2, service: 10, client: 10 }));
  test("minikube", () => expect(roles("hardware/inventory.minikube.yaml")).toEqual({}));
});

describe("faults", () => {
  const steering = "{name: a, number: 1, role: steering}";
  const service = "{name: b, number: 2, role: service}";
  test.each([
    ["kind: virtual\nhosts: [", "test.yaml:2: "],
    ["kind: cloud\nhosts: []", "kind: "],
    [`kind: board\nhosts: [${steering}]`, "hosts: needs at least one service host"],
    [`kind: board\nhosts: [${service}]`, "hosts: needs at least one steering host"],
    [`kind: none\nhosts: [${steering}]`, "hosts: must be empty where kind is none"],
    [`kind: board\nhosts: [${steering}, {name: a, number: 2, role: service}]`, "hosts[1].name: a is taken by hosts[0] already"],
    [`kind: board\nhosts: [${steering}, {name: b, number: 1, role: service}]`, "hosts[1].number: 1 is taken by hosts[0] already"],
    [`kind: board\nhosts: [${steering}, {name: B_, number: 2, role: service}]`, "hosts[1].name: must be a DNS label"],
    [`kind: board\nhosts: [${steering}, {name: b, number: 65534, role: service}]`, "hosts[1].number: "],
    [`kind: board\nhosts: [${steering}, {name: b, number: 2, role: service, mac: x}]`, "test.yaml:2: hosts[1].mac: must be a MAC address"],
    [`kind: board\nhosts:\n  - ${steering}\n  - name: b\n    number: 2\n    role: service\n    mca: x`, "test.yaml:7: hosts[1]: Unrecognized key: \"mca\""],
    [`kind: board\nhosts:\n  - ${steering}\n  - {name: a, number: 1, role: service}`, /^test\.yaml:4: hosts\[1\]\.name: .*\ntest\.yaml:4: hosts\[1\]\.number: /],
    [`kind: board\nhosts:\n  - ${steering}\n  - {name: b, role: service}`, "test.yaml:4: hosts[1].number: "],
    [`kind: board\nhosts: [${steering}]\nhosts: []`, "test.yaml:3: Map keys must be unique"],
    [`kind: board\nhosts: [${steering}, {name: root2, number: 2, role: service}]`, "hosts[1].name: root2 is taken by the stack itself"],
    [`kind: virtual\nhosts: [${steering}, {name: switch, number: 2, role: service}]`, "hosts[1].name: switch is taken by the stack itself"],
    [`kind: virtual\nhosts: [${steering}, {name: a-name-of-sixteen, number: 2, role: service}]`, "hosts[1].name: must have 15 characters at most"],
    [`kind: virtual\nhosts: [${steering}, {name: pi-4, number: 2, role: service}]`, "test.yaml:2: hosts[1].name: must have no dash"],
  ])("%j", (text, message) => expect(() => parse(text)).toThrow(message));
});

describe("another number of nodes", () => {
  const local = loadInventory("hardware/inventory.local.yaml");
  test("fewer: service hosts are dropped from the end", () => expect(names(withNodeCount(local, 2))).toEqual(["pi1=1", "pi2=2", "client1=101", "client2=102"]));
  test("as many: nothing changes", () => expect(withNodeCount(local, 3)).toEqual(local));
  test("more: service hosts are added with the next free numbers", () =>
    expect(names(withNodeCount(local, 5))).toEqual(["pi1=1", "pi2=2", "pi3=3", "pi4=4", "pi5=5", "client1=101", "client2=102"]));
  test("a client's number is never given to a node", () =>
    expect(new Set(withNodeCount(local, 150).hosts.map((host) => host.number)).size).toBe(152));
  test("a name is never given twice", () => {
    const named = parse("kind: virtual\nhosts: [{name: pi4, number: 1, role: steering}, {name: b, number: 2, role: service}, {name: pi3, number: 9, role: client}]");
    expect(names(withNodeCount(named, 4))).toEqual(["pi4=1", "b=2", "pi5=5", "pi6=6", "pi3=9"]);
  });
  test("numbers end", () => {
    const high = parse("kind: virtual\nhosts: [{name: a, number: 65533, role: steering}, {name: b, number: 2, role: service}]");
    expect(() => withNodeCount(high, 3)).toThrow("is 3: numbers of nodes end at 65533");
  });
  test("too few", () => expect(() => withNodeCount(local, 1)).toThrow("is 1, but 1 steering and at least 1 service host make 2"));
  test("boards cannot be made up", () =>
    expect(() => withNodeCount(loadInventory("hardware/inventory.pi-testbed.yaml"), 13)).toThrow("has only 12 boards"));
});
