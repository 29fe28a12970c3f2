import { watts } from "../power.ts";
import type { Cable, SwitchPlan, WiringPlan } from "../plan.ts";

/** The wiring and power plan as Markdown. Pure. */
export function renderPlan(plan: WiringPlan, source: string): string {
  const sections = [
    `# Wiring and power plan\n\nMade from \`${source}\` by \`./peak hardware plan\`; do not edit it.`,
    ...(plan.warnings.length === 0 ? [] : [`## Mind\n\n${plan.warnings.map((warning) => `- ${warning}`).join("\n")}`]),
    `## Parts\n\n${table(
      ["part", "in use", "spare", "together"],
      plan.materials.map(({ title, used, spare }) => [title, `${used}`, `${spare}`, `${used + spare}`]),
    )}`,
    ...plan.switches.flatMap(switchSections),
    ...(plan.unplugged.length === 0 ? [] : [`## Not on a switch\n\n${plan.unplugged.map(({ name }) => `- ${name}`).join("\n")}`]),
  ];
  return `${sections.join("\n\n")}\n`;
}

function switchSections({ name, title, place, uplink, cables, power, starts }: SwitchPlan): string[] {
  const where = place === undefined ? "" : `, rack unit ${place.split("/")[0]}`;
  return [
    `## ${name}: ${title}${where}\n\n` +
      `Put a PoE card and a flashed microSD card into each board and the board into its place; then, for each line, put the cable into the port and into the board.\n\n` +
      table(
        ["port", "cable", "board", "rack unit/slot", "role", "address", "serial", "MAC", "at worst"],
        [
          ...cables.map((cable, index) => cableRow(cable, power.ports[index]!.worst)),
          ...(uplink === undefined ? [] : [[`${uplink}`, "", "uplink: the site's router", "", "", "", "", "", ""]]),
        ],
      ),
    `### Power of ${name}\n\n${table(
      ["", "watts", `of ${watts(power.budget)}`],
      (
        [
          ["all idle", power.idle],
          ["typical", power.typical],
          [`start of ${starts[0]?.length ?? 0} at a time, the others under way`, power.staggeredStart],
          ["at worst, or all starting at once", power.worst],
          ["reserved, where the switch does it by class", power.reserved],
        ] as const
      ).map(([what, value]) => [what, watts(value), `${Math.round((value / power.budget) * 100)} %`]),
    )}`,
    `### Switch on, in this order\n\n${starts.map((group, index) => `${index + 1}. ${group.join(", ")}`).join("\n")}\n\nWait until a group answers (\`ping ADDRESS\`) before the next.`,
  ];
}

function cableRow({ host, port, length, place, ula, global }: Cable, worst: number): string[] {
  return [
    `${port}`,
    length === undefined ? "" : `${length} m`,
    `**${host.name}**`,
    place === undefined ? "" : `${place.unit}/${place.slot}`,
    host.role,
    global ?? ula,
    host.board?.serial ?? "",
    host.board?.mac ?? "",
    watts(worst),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
