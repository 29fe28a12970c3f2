import { equipmentOf, modelOf, portOf, spareCount, type Fault, type Readable } from "./equipment.ts";
import { powerFaults } from "./power.ts";
import type { HostEntry } from "./schema.ts";

/** All that is wrong between the entries of an inventory, each fault at its place. Pure. */
export function inventoryFaults(inventory: Readable): Fault[] {
  return [
    ...uniqueness(inventory),
    ...kinds(inventory),
    ...names(inventory),
    ...roles(inventory),
    ...equipmentFaults(inventory),
    ...cabling(inventory),
    ...spares(inventory),
    ...powerFaults(inventory),
  ];
}

/** What no two entries of a list may share. */
const uniqueKeys = { hosts: ["name", "number", "serial", "mac", "port", "place"], switches: ["name", "mac"] } as const;

function uniqueness({ hosts, switches }: Readable): Fault[] {
  const within = (list: string, entries: Partial<Record<string, unknown>>[], keys: readonly string[]) =>
    keys.flatMap((key) => {
      const first = new Map<unknown, number>();
      return entries.flatMap((entry, index): Fault[] => {
        const value = entry[key];
        if (value === undefined) return [];
        const earlier = first.get(value);
        if (earlier !== undefined) return [{ path: [list, index, key], message: `${String(value)} is taken by ${list}[${earlier}] already` }];
        first.set(value, index);
        return [];
      });
    });
  const macs = new Map(hosts.flatMap(({ mac }, index) => (mac === undefined ? [] : [[mac, index] as const])));
  const shared = switches.flatMap(({ mac }, index): Fault[] =>
    mac !== undefined && macs.has(mac)
      ? [{ path: ["switches", index, "mac"], message: `${mac} is taken by hosts[${macs.get(mac)}] already` }]
      : [],
  );
  return [...within("hosts", hosts, uniqueKeys.hosts), ...within("switches", switches, uniqueKeys.switches), ...shared];
}

/** What only some kinds of inventories have. */
function kinds({ kind, arch, defaults, startsAtOnce, hosts, switches, spares: drawer }: Readable): Fault[] {
  const faults: Fault[] = [];
  if (kind === undefined || kind === "board") return faults;
  if (arch !== undefined) faults.push({ path: ["arch"], message: "is for boards; virtual Pis are what this machine is" });
  for (const [key, there] of [
    ["defaults", defaults],
    ["startsAtOnce", startsAtOnce],
    ["spares", drawer],
    ["switches", switches[0]],
  ] as const) {
    if (there !== undefined) faults.push({ path: [key], message: "is for boards" });
  }
  if (kind === "none" && hosts.length > 0) faults.push({ path: ["hosts"], message: "must be empty where kind is none" });
  if (kind === "virtual") {
    hosts.forEach((host, index) => {
      const strange = Object.keys(host).find((key) => !["name", "number", "role"].includes(key));
      if (strange !== undefined)
        faults.push({ path: ["hosts", index, strange], message: "is for boards: a virtual Pi has name, number and role" });
    });
  }
  return faults;
}

/** Names of servers and of links that the stack makes by itself. */
function names({ kind, hosts }: Readable): Fault[] {
  return hosts.flatMap(({ name = "" }, index): Fault[] => {
    const path = ["hosts", index, "name"];
    if (/^root\d+$/.test(name) || (kind === "virtual" && ["switch", "bridge"].includes(name)))
      return [{ path, message: `${name} is taken by the stack itself` }];
    if (kind === "virtual" && name.length > 15)
      return [{ path, message: "must have 15 characters at most: a link is named after a virtual host" }];
    // A dash parts the stack's name from the host's in the name of a network namespace.
    if (kind === "virtual" && name.includes("-")) return [{ path, message: "must have no dash: that is for boards. Use lower-case letters and digits" }];
    return [];
  });
}

function roles({ kind, hosts }: Readable): Fault[] {
  if (kind === undefined || kind === "none" || hosts.some(({ role }) => role === undefined)) return [];
  return (["steering", "service"] as const)
    .filter((role) => !hosts.some((host) => host.role === role))
    .map((role) => ({ path: ["hosts"], message: `needs at least one ${role} host` }));
}

/** Parts that do not belong together, and what a described board must have. */
function equipmentFaults(inventory: Readable): Fault[] {
  return inventory.hosts
    .flatMap((host, index): Fault[] => {
      const { model, poeCard, storage, boot = "microsd", mac, serial, port } = equipmentOf(inventory, host);
      const board = modelOf("board", model);
      const faults: Fault[] = [];
      // A part is told at the host that names it, or at the defaults that all have it by.
      const at = (key: keyof HostEntry) => (key in host || !(key in (inventory.defaults ?? {})) ? ["hosts", index, key] : ["defaults", key]);
      const complain = (key: keyof HostEntry, message: string) => faults.push({ path: at(key), message });
      if (board === undefined) {
        for (const key of ["poeCard", "storage", "boot", "interface", "cable", "serial", "mac", "port", "place"] as const) {
          if (host[key] !== undefined) complain(key, "needs the board's model: name it here or in defaults");
        }
        return faults;
      }
      if (inventory.arch !== undefined && inventory.arch !== board.arch)
        complain("model", `${model} is ${board.arch}, and arch says ${inventory.arch}`);
      for (const part of [modelOf("poe card", poeCard), modelOf("storage", storage)]) {
        if (part && !part.fits.includes(model!))
          complain(part.kind === "storage" ? "storage" : "poeCard", `${part.title} does not fit ${model}; it fits ${part.fits.join(", ")}`);
      }
      if (boot === "microsd" && storage === undefined) complain("storage", "is missing: the board boots from a microSD card");
      if (boot === "network" && (mac === undefined || serial === undefined)) {
        complain(
          mac === undefined ? "mac" : "serial",
          "is missing: a board that boots from the network is known by its MAC address, and its files by its serial number",
        );
      }
      if (inventory.switches.length > 0 && port === undefined)
        complain("port", "is missing: name the switch's port that the board's cable goes to, such as switch1/7");
      if (port !== undefined && poeCard === undefined) complain("poeCard", "is missing: the board gets its power by the cable");
      return faults;
    })
    // What the defaults say is wrong once, not once for each board.
    .filter((fault, index, all) => fault.path[0] !== "defaults" || all.findIndex((other) => same(other, fault)) === index);
}

/** Cables that lead nowhere. */
function cabling({ hosts, switches }: Readable): Fault[] {
  const known = new Map(switches.map((entry) => [entry.name, entry]));
  const uplinks = switches.flatMap(({ model, uplink }, index): Fault[] => {
    const about = modelOf("switch", model);
    const there = about && [...about.uplinks, ...about.front.flat()];
    return uplink === undefined || there === undefined || there.includes(uplink)
      ? []
      : [{ path: ["switches", index, "uplink"], message: `${model} has no port ${uplink}` }];
  });
  const cables = hosts.flatMap(({ port: text }, index): Fault[] => {
    if (text === undefined) return [];
    const { switch: name, port } = portOf(text);
    const path = ["hosts", index, "port"];
    const entry = known.get(name);
    if (entry === undefined)
      return [{ path, message: `there is no switch ${name}; there are ${switches.map((other) => other.name).join(", ") || "none"}` }];
    const about = modelOf("switch", entry.model);
    if (about === undefined) return [];
    if (!about.front.flat().includes(port))
      return [{ path, message: `port ${port} of ${name} gives no power; those of ${entry.model} are 1 to ${about.front.flat().length}` }];
    return port === entry.uplink ? [{ path, message: `port ${port} of ${name} is its uplink` }] : [];
  });
  return [...uplinks, ...cables];
}

/** One of ten of what wears or fails first, cards, lies in the drawer: rounded up. */
const sparesFor = (used: number): number => Math.ceil(used / 10);

function spares(inventory: Readable): Fault[] {
  if (inventory.switches.length === 0) return [];
  const used = new Map<string, number>();
  for (const host of inventory.hosts) {
    const { poeCard, storage, model } = equipmentOf(inventory, host);
    if (model === undefined) continue;
    for (const part of [poeCard, storage]) if (part !== undefined) used.set(part, (used.get(part) ?? 0) + 1);
  }
  return [...used].flatMap(([model, count]): Fault[] => {
    const [wanted, has] = [sparesFor(count), spareCount(inventory.spares ?? [], model)];
    return has >= wanted
      ? []
      : [{ path: ["spares"], message: `has ${has} of ${model}, of which ${count} are in use: one of ten makes ${wanted}` }];
  });
}

const same = (a: Fault, b: Fault): boolean => a.message === b.message && a.path.join() === b.path.join();
