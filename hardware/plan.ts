import { planAddresses, type AddressPlan } from "../addressing/delegation.ts";
import { catalogue } from "./catalogue.ts";
import { portOf, spareCount } from "./equipment.ts";
import type { Inventory, InventoryHost } from "./inventory.ts";
import { powerPlans, type PowerPlan } from "./power.ts";

/** One cable, and the board at its end. */
export interface Cable {
  host: InventoryHost;
  port: number;
  /** Metres. */
  length: number | undefined;
  place: { unit: number; slot: number } | undefined;
  ula: string;
  global: string | undefined;
}

/** A switch with what is plugged into it. */
export interface SwitchPlan {
  name: string;
  title: string;
  place: string | undefined;
  uplink: number | undefined;
  front: readonly (readonly number[])[];
  /** By port. */
  cables: Cable[];
  power: PowerPlan;
  /** The order in which boards are switched on: groups of so many that the switch bears it, what others need first. */
  starts: string[][];
}

/** What a person needs who puts the testbed together. */
export interface WiringPlan {
  switches: SwitchPlan[];
  /** What to buy: in use and spare. */
  materials: { model: string; title: string; used: number; spare: number }[];
  /** Boards that are plugged into nothing that the inventory knows. */
  unplugged: InventoryHost[];
  warnings: string[];
}

const order = ["steering", "service", "client"] as const;

/**
 * Plans how the boards of an inventory are plugged in. Pure.
 * @param prefixes of the stack: they make the boards' addresses
 */
export function wiringPlan(inventory: Inventory, prefixes: { ula: string; global?: string | undefined }): WiringPlan {
  const addresses = planAddresses(prefixes.ula, prefixes.global);
  const power = new Map(powerOf(inventory).map((plan) => [plan.switch, plan]));
  const byName = new Map(inventory.hosts.map((host) => [host.name, host]));
  const switches = inventory.switches.map(({ name, model, place, uplink }): SwitchPlan => {
    const about = catalogue[model]!;
    if (about.kind !== "switch") throw new Error(`${model} is no switch`);
    const ports = power.get(name)!;
    const cables = ports.ports.map(({ host }) => cableOf(byName.get(host)!, addresses));
    return {
      name,
      title: about.title,
      place,
      uplink,
      front: about.front,
      cables,
      power: ports,
      starts: startGroups(
        cables.map(({ host }) => host),
        inventory.startsAtOnce,
      ),
    };
  });
  const plugged = new Set(switches.flatMap(({ cables }) => cables.map(({ host }) => host.name)));
  return {
    switches,
    materials: materialsOf(inventory),
    unplugged: inventory.hosts.filter(({ name }) => !plugged.has(name)),
    warnings: inventory.warnings,
  };
}

/** Watts of each switch of an inventory. */
export function powerOf(inventory: Inventory): PowerPlan[] {
  return powerPlans({ ...inventory, boards: inventory.hosts.map((host) => ({ name: host.name, ...host.board })) });
}

/** The order in which boards are switched on: steering first, which the others look for. */
export function startGroups(hosts: readonly InventoryHost[], together: number): string[][] {
  const inOrder = order.flatMap((role) => hosts.filter((host) => host.role === role)).map(({ name }) => name);
  return Array.from({ length: Math.ceil(inOrder.length / together) }, (_, index) => inOrder.slice(index * together, (index + 1) * together));
}

function cableOf(host: InventoryHost, addresses: AddressPlan): Cable {
  const { ula, global } = addresses.node(host.number);
  const [unit, slot] = host.board!.place?.split("/").map(Number) ?? [];
  return {
    host,
    port: portOf(host.board!.port!).port,
    length: host.board!.cable,
    ula: ula.address,
    global: global?.address,
    place: unit === undefined || slot === undefined ? undefined : { unit, slot },
  };
}

function materialsOf({ hosts, switches, spares }: Inventory): WiringPlan["materials"] {
  const used = [
    ...switches.map(({ model }) => model),
    ...hosts.flatMap(({ board }) => (board ? [board.model, board.poeCard, board.storage] : [])),
  ];
  const count = (model: string) => used.filter((other) => other === model).length;
  const models = [...new Set([...used, ...spares.map(({ model }) => model)])].filter((model) => model !== undefined);
  const parts = models.map((model) => ({
    model,
    title: catalogue[model]!.title,
    used: count(model),
    spare: spareCount(spares, model),
  }));
  const cables = Map.groupBy(
    hosts.flatMap(({ board }) => (board?.port === undefined ? [] : [board.cable])),
    (length) => length,
  );
  return [
    ...parts,
    ...[...cables].map(([length, all]) => ({
      model: "cable",
      title: `Network cable, Cat 5e or better${length === undefined ? "" : `, ${length} m`}`,
      used: all.length,
      spare: 0,
    })),
  ];
}
