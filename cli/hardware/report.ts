import type { Inventory } from "../../hardware/inventory.ts";
import { powerOf } from "../../hardware/plan.ts";
import { watts } from "../../hardware/power.ts";

/** What `./peak hardware check` tells of an inventory without faults. */
export interface HardwareSummary {
  inventory: string;
  kind: Inventory["kind"];
  hosts: number;
  boards: number;
  switches: {
    name: string;
    boards: number;
    budget: number;
    idle: number;
    typical: number;
    staggeredStart: number;
    worst: number;
    reserved: number;
  }[];
  spares: { model: string; count: number }[];
  warnings: string[];
}

export function summaryOf(inventory: Inventory, path: string): HardwareSummary {
  return {
    inventory: path,
    kind: inventory.kind,
    hosts: inventory.hosts.length,
    boards: inventory.hosts.filter(({ board }) => board).length,
    switches: powerOf(inventory).map(({ switch: name, ports, budget, idle, typical, staggeredStart, worst, reserved }) => ({
      name,
      boards: ports.length,
      budget,
      idle,
      typical,
      staggeredStart,
      worst,
      reserved,
    })),
    spares: inventory.spares,
    warnings: inventory.warnings,
  };
}

export function checkText({ inventory, kind, hosts, boards, switches, spares, warnings }: HardwareSummary): string {
  const described = boards === 0 ? "" : `, ${boards} of them described as boards`;
  const lines = [
    `${inventory}: no faults; ${hosts} hosts (${kind})${described}`,
    ...switches.map(
      ({ name, boards: plugged, budget, idle, typical, staggeredStart, worst }) =>
        `${name}: ${plugged} boards take ${watts(idle)} idle, ${watts(typical)} typically, ${watts(staggeredStart)} while they start in groups, ` +
        `${watts(worst)} at worst; it gives ${watts(budget)}`,
    ),
    ...(spares.length === 0 ? [] : [`spare: ${spares.map(({ model, count }) => `${count} ${model}`).join(", ")}`]),
    ...warnings.map((warning) => `mind: ${warning}`),
  ];
  return `${lines.join("\n")}\n`;
}
