import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { loadInventory, parseInventory } from "./inventory.ts";
import { startGroups, wiringPlan } from "./plan.ts";
import { powerPlans } from "./power.ts";
import { inventoryJsonSchema } from "./schema.ts";

const parse = (text: string) => parseInventory(text, "i.yaml");

/** An inventory of boards, each line a host, with a switch and spares enough. */
const boards = (
  lines: string[],
  { defaults = "model: raspberry-pi-5-16gb, poeCard: poe-hat-f, storage: microsd-256gb", spares = 3 } = {},
) => `kind: board
defaults: { ${defaults} }
switches: [{ name: s, model: usw-pro-max-24-poe, uplink: 25 }]
spares: [{ model: poe-hat-f, count: ${spares} }, { model: microsd-256gb, count: ${spares} }]
hosts:
${lines.map((line) => `  - { ${line} }`).join("\n")}
`;
const steering = "name: a, number: 1, role: steering, port: s/1";
const service = "name: b, number: 2, role: service, port: s/2";

/** All faults of an inventory, each a line. */
function faults(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    return (error as Error).message.split("\n");
  }
}

describe("what a person gets wrong, in the words of the file", () => {
  test.each([
    [
      "a port taken twice",
      [steering, "name: b, number: 2, role: service, port: s/1"],
      "i.yaml:7: hosts[1].port: s/1 is taken by hosts[0] already",
    ],
    [
      "the uplink",
      [steering, "name: b, number: 2, role: service, port: s/25"],
      "i.yaml:7: hosts[1].port: port 25 of s gives no power; those of usw-pro-max-24-poe are 1 to 24",
    ],
    [
      "a port that is not there",
      [steering, "name: b, number: 2, role: service, port: s/77"],
      "i.yaml:7: hosts[1].port: port 77 of s gives no power",
    ],
    [
      "a switch that is not there",
      [steering, "name: b, number: 2, role: service, port: t/2"],
      "i.yaml:7: hosts[1].port: there is no switch t; there are s",
    ],
    ["no port", [steering, "name: b, number: 2, role: service"], "i.yaml:7: hosts[1].port: is missing: name the switch's port"],
    [
      "a port without number",
      [steering, "name: b, number: 2, role: service, port: s"],
      "i.yaml:7: hosts[1].port: must be SWITCH/PORT, such as switch1/7",
    ],
    [
      "a MAC address twice",
      [`${steering}, mac: "2c:cf:67:00:00:01"`, `${service}, mac: "2c:cf:67:00:00:01"`],
      "i.yaml:7: hosts[1].mac: 2c:cf:67:00:00:01 is taken by hosts[0] already",
    ],
    [
      "a MAC address in another notation",
      [`${steering}, mac: 2C-CF-67-00-00-01`, service],
      "i.yaml:6: hosts[0].mac: must be a MAC address in lower case",
    ],
    [
      "a serial number twice",
      [`${steering}, serial: "0123456789abcdef"`, `${service}, serial: "0123456789abcdef"`],
      "i.yaml:7: hosts[1].serial: 0123456789abcdef is taken",
    ],
    ["a place twice", [`${steering}, place: 1/1`, `${service}, place: 1/1`], "i.yaml:7: hosts[1].place: 1/1 is taken by hosts[0] already"],
    ["a model that is not known", [steering, `${service}, model: raspberry-pi-6`], "i.yaml:7: hosts[1].model: Invalid option"],
    [
      "network boot without a MAC address",
      [steering, `${service}, boot: network`],
      "i.yaml:7: hosts[1].mac: is missing: a board that boots from the network",
    ],
    [
      "network boot without a serial number",
      [steering, `${service}, boot: network, mac: "2c:cf:67:00:00:01"`],
      "i.yaml:7: hosts[1].serial: is missing",
    ],
  ])("%s", (_, lines, message) => expect(faults(boards(lines))).toEqual([expect.stringContaining(message)]));

  test("all faults at once, those of the schema and those between entries", () =>
    expect(
      faults(boards([steering, "name: a, number: 1, role: service, port: s/1", "name: c, number: 0, role: service, port: s/3, prot: x"])),
    ).toEqual([
      expect.stringMatching(/^i\.yaml:8: hosts\[2\]\.number: /),
      expect.stringMatching(/^i\.yaml:8: hosts\[2\]: Unrecognized key: "prot"/),
      "i.yaml:7: hosts[1].name: a is taken by hosts[0] already",
      "i.yaml:7: hosts[1].number: 1 is taken by hosts[0] already",
      "i.yaml:7: hosts[1].port: s/1 is taken by hosts[0] already",
    ]));

  test("a fault of the defaults is told once, where it is written", () =>
    expect(faults(boards([steering, service], { defaults: "model: raspberry-pi-5-16gb, poeCard: poe-hat-f" }))).toEqual([
      "i.yaml:6: hosts[0].storage: is missing: the board boots from a microSD card",
      "i.yaml:7: hosts[1].storage: is missing: the board boots from a microSD card",
    ]));

  test("too few spares", () => {
    const hosts = [
      steering,
      ...Array.from({ length: 21 }, (_, index) => `name: b${index}, number: ${index + 2}, role: service, port: s/${index + 2}`),
    ];
    expect(faults(boards(hosts, { spares: 2 }))).toEqual([
      "i.yaml:4: spares: has 2 of poe-hat-f, of which 22 are in use: one of ten makes 3",
      "i.yaml:4: spares: has 2 of microsd-256gb, of which 22 are in use: one of ten makes 3",
    ]);
    expect(faults(boards(hosts, { spares: 3 }))).toEqual([]);
  });

  test("what is for boards, in an inventory of virtual Pis", () =>
    expect(
      faults(
        "kind: virtual\nswitches: [{name: s, model: usw-pro-max-24-poe}]\nhosts:\n  - {name: a, number: 1, role: steering}\n  - {name: b, number: 2, role: service, port: s/1}",
      ),
    ).toEqual([
      "i.yaml:2: switches: is for boards",
      "i.yaml:5: hosts[1].port: is for boards: a virtual Pi has name, number and role",
      expect.stringContaining("needs the board's model"),
    ]));

  test("whatever is written, it is read or refused with lines of the file", () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const line of faults(JSON.stringify({ kind: "board", hosts: value, switches: value, defaults: value, spares: value })))
          expect(line).toMatch(/^i\.yaml:1: /);
      }),
    ));
});

describe("power", () => {
  test("what a board takes is asked of the port with what its card loses", () => {
    const [plan] = powerPlans({
      boards: [{ name: "a", model: "raspberry-pi-5-16gb", poeCard: "poe-hat-f", port: "s/1" }],
      switches: [{ name: "s", model: "usw-pro-max-24-poe" }],
    });
    expect(plan).toMatchObject({ budget: 400, reserved: 30, ports: [{ port: 1, host: "a", limit: 30, class: 4 }] });
    expect(plan!.worst).toBeCloseTo(9.8 / 0.83);
  });

  test("of the testbed fits its switch, and reservation by class would not", () => {
    const { warnings } = loadInventory("hardware/inventory.pi-testbed.yaml");
    expect(warnings).toEqual([expect.stringContaining("would need 660.0 W of 400.0 W")]);
  });

  test("idle <= typical <= start in groups <= worst, whatever is plugged in", () =>
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 24 })), fc.integer({ min: 1, max: 30 }), (ports, startsAtOnce) => {
        const boards = ports.map((port) => ({ name: `b${port}`, model: "raspberry-pi-5-8gb", poeCard: "poe-hat-f", port: `s/${port}` }));
        const { idle, typical, staggeredStart, worst } = powerPlans({
          boards,
          switches: [{ name: "s", model: "usw-pro-max-24-poe" }],
          startsAtOnce,
        })[0]!;
        const rising = [idle, typical, staggeredStart, worst + 1e-9];
        expect(rising).toEqual(rising.toSorted((a, b) => a - b));
      }),
    ));

  test("every figure of the catalogue has a source", () => {
    const sources: unknown[] = [];
    JSON.stringify(catalogue, (key, value: unknown) => {
      if (key === "source") sources.push(value);
      return value;
    });
    expect(sources.length).toBeGreaterThan(10);
    for (const source of sources) expect(source).toMatch(/.{10}/);
  });
});

describe("the testbed", () => {
  const testbed = loadInventory("hardware/inventory.pi-testbed.yaml");
  const plan = wiringPlan(testbed, { ula: "fd7e:ea4c:0:1::/64", global: "2001:db8:7ea:c::/64" });

  test("is the one of the proposal: 22 boards of 16 GB, 25 cards of each kind, one switch", () =>
    expect(Object.fromEntries(plan.materials.map(({ model, used, spare }) => [model, used + spare]))).toEqual({
      "usw-pro-max-24-poe": 1,
      "raspberry-pi-5-16gb": 22,
      "poe-hat-f": 25,
      "microsd-256gb": 25,
      cable: 22,
    }));

  test("starts in groups, what others look for first", () => {
    const groups = startGroups(testbed.hosts, testbed.startsAtOnce);
    expect(groups[0]).toEqual(["steering1", "steering2", "service1", "service2"]);
    expect(groups.flat()).toHaveLength(22);
    expect(Math.max(...groups.map((group) => group.length))).toBe(4);
  });

  test("the JSON Schema that editors use is that of the code", async () => {
    const text = `${JSON.stringify(inventoryJsonSchema(), undefined, 2)}\n`;
    await expect(text).toMatchFileSnapshot("inventory.schema.json");
  });
});
