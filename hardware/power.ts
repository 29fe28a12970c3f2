import { reservedWatts } from "./catalogue.ts";
import { equipmentOf, modelOf, portOf, type Fault, type Readable } from "./equipment.ts";

/** What takes power, and what gives it. */
export interface Powered {
  boards: readonly { name?: string | undefined; model?: string | undefined; poeCard?: string | undefined; port?: string | undefined }[];
  switches: readonly { name?: string | undefined; model?: string | undefined }[];
  startsAtOnce?: number | undefined;
}

const powered = (inventory: Readable): Powered => ({ ...inventory, boards: inventory.hosts.map((host) => equipmentOf(inventory, host)) });

/** Watts at the ports of a switch. */
export interface PowerPlan {
  switch: string;
  /** What it can give. */
  budget: number;
  ports: { port: number; host: string; idle: number; typical: number; worst: number; limit: number; class: number }[];
  idle: number;
  typical: number;
  worst: number;
  /** While boards are switched on `startsAtOnce` at a time: those boot at their worst, the others are under way. */
  staggeredStart: number;
  /** What the switch keeps for its ports where it reserves by class. */
  reserved: number;
}

/** How many boards of a switch are switched on at a time, where an inventory does not say. */
export const defaultStartsAtOnce = 4;

/**
 * Watts of each switch at its ports: what the boards take, and what their cards lose. A board that boots takes what it takes
 * at worst. Boards without model, card or port are left out. Pure.
 */
export function powerPlans({ boards, switches, startsAtOnce = defaultStartsAtOnce }: Powered): PowerPlan[] {
  const plugged = boards.flatMap(({ name = "", model, poeCard, port }) => {
    const [board, card] = [modelOf("board", model), modelOf("poe card", poeCard)];
    return board && card && port !== undefined ? [{ name, board, card, ...portOf(port) }] : [];
  });
  const bySwitch = Map.groupBy(plugged, (entry) => entry.switch);
  return switches.flatMap(({ name, model }): PowerPlan[] => {
    const about = modelOf("switch", model);
    if (name === undefined || about === undefined) return [];
    const ports = (bySwitch.get(name) ?? [])
      .sort((a, b) => a.port - b.port)
      .map(({ name: host, board, card, port }) => {
        const atPort = (watts: number) => watts / card.efficiency.value;
        const limit = about.poe.find((range) => port >= range.from && port <= range.to)?.watts.value ?? 0;
        return {
          port,
          host,
          idle: atPort(board.idle.value),
          typical: atPort(board.typical.value),
          worst: atPort(board.worst.value),
          limit,
          class: card.class.value,
        };
      });
    const sum = (watts: (port: PowerPlan["ports"][number]) => number, of = ports) => of.reduce((total, port) => total + watts(port), 0);
    // The last group starts while all the others are under way; whichever group that is, the hungriest ones make the peak.
    const hungriest = [...ports].sort((a, b) => b.worst - b.typical - (a.worst - a.typical));
    const worst = sum((port) => port.worst);
    return [
      {
        switch: name,
        budget: about.budget.value,
        ports,
        idle: sum((port) => port.idle),
        typical: sum((port) => port.typical),
        worst,
        staggeredStart: sum((port) => port.worst, hungriest.slice(0, startsAtOnce)) + sum((port) => port.typical, hungriest.slice(startsAtOnce)),
        reserved: sum((port) => reservedWatts[port.class] ?? port.limit),
      },
    ];
  });
}

/** Watts as people read them. */
export const watts = (value: number): string => `${value.toFixed(1)} W`;

/** Ports and switches that would be asked for more than they give, and cards for more than they pass on. */
export function powerFaults(inventory: Readable): Fault[] {
  const indexOf = (name: string) => inventory.hosts.findIndex((host) => host.name === name);
  const cards = inventory.hosts.flatMap((host, index): Fault[] => {
    const { model, poeCard } = equipmentOf(inventory, host);
    const [board, card] = [modelOf("board", model), modelOf("poe card", poeCard)];
    return board && card && board.worst.value > card.output.value
      ? [
          {
            path: ["hosts", index],
            message: `${model} takes ${watts(board.worst.value)} at worst, and ${poeCard} gives ${watts(card.output.value)}`,
          },
        ]
      : [];
  });
  return [
    ...cards,
    ...powerPlans(powered(inventory)).flatMap((plan): Fault[] => {
      const ports = plan.ports
        .filter(({ worst, limit }) => limit > 0 && worst > limit)
        .map(({ host, port, worst, limit }): Fault => ({
          path: ["hosts", indexOf(host), "port"],
          message: `port ${port} of ${plan.switch} gives ${watts(limit)}, and the board takes ${watts(worst)} at worst`,
        }));
      const whole: Fault[] =
        plan.worst <= plan.budget
          ? []
          : [
              {
                path: ["switches", inventory.switches.findIndex(({ name }) => name === plan.switch)],
                message:
                  `its ${plan.ports.length} boards take ${watts(plan.worst)} at worst (${watts(plan.idle)} idle, ${watts(plan.typical)} typically, ` +
                  `${watts(plan.staggeredStart)} while they start one group after another), and it gives ${watts(plan.budget)}: move boards to another switch`,
              },
            ];
      return [...ports, ...whole];
    }),
  ];
}

/** What is no fault and may surprise: a switch that reserves by class. */
export function powerWarnings(inventory: Readable): Fault[] {
  return powerPlans(powered(inventory)).flatMap((plan): Fault[] =>
    plan.reserved <= plan.budget
      ? []
      : [
          {
            path: ["switches", inventory.switches.findIndex(({ name }) => name === plan.switch)],
            message: `reserved by class, its ${plan.ports.length} boards would need ${watts(plan.reserved)} of ${watts(plan.budget)}: let it give power by what is drawn, not by class`,
          },
        ],
  );
}
