import { watts } from "../power.ts";
import type { Cable, SwitchPlan } from "../plan.ts";

/** A4 across, at four units a millimetre. */
const width = 1188;
const margin = 40;
const inner = width - 2 * margin;

/**
 * The plan of one switch as an SVG that can be printed on A4: its front with the board of each port, and the rack with the port of each board,
 * so that either end of a cable tells where the other goes. Follows the reader's light or dark scheme; prints light. Pure.
 */
export function renderPlanSvg({ name, title, place, uplink, front, cables, power }: SwitchPlan): string {
  const byPort = new Map(cables.map((cable) => [cable.port, cable]));
  const columns = Math.max(...front.map((row) => row.length)) + (uplink === undefined ? 0 : 1);
  const cell = inner / columns;
  const rackTop = 150 + front.length * 68;
  const { svg: rack, bottom } = rackSvg(cables, rackTop);
  const height = Math.max(840, bottom + 70);
  const ports = front.flatMap((row, rowIndex) =>
    row.map((port, column) => portBox(byPort.get(port), `${port}`, margin + column * cell, 120 + rowIndex * 68, cell)),
  );
  const way = uplink === undefined ? [] : [portBox(undefined, `${uplink}`, margin + (columns - 1) * cell, 120, cell, "uplink")];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Wiring plan of ${escape(name)}">
<style>
  svg { background: #fff; color: #111; font-family: "DejaVu Sans", Verdana, sans-serif; }
  text { fill: currentColor; } .faint { opacity: 0.7; } .mono { font-family: "DejaVu Sans Mono", monospace; }
  rect { stroke: currentColor; stroke-width: 1; fill: none; } .free { stroke-dasharray: 4 3; }
  .steering { fill: #f6c177; } .service { fill: #9ccfd8; } .client { fill: #d3c4ee; } .steering, .service, .client { stroke: #333; }
  .on { fill: #111; }
  @media (prefers-color-scheme: dark) { svg { background: #16161a; color: #eee; } }
  @media print { svg { background: #fff; color: #111; } }
  @page { size: A4 landscape; margin: 10mm; }
</style>
<text x="${margin}" y="52" font-size="26" font-weight="bold">${escape(name)}: ${escape(title)}${place === undefined ? "" : `, rack unit ${place.split("/")[0]}`}</text>
<text x="${margin}" y="80" font-size="15">${cables.length} boards: ${watts(power.idle)} idle, ${watts(power.typical)} typically, ${watts(power.worst)} at worst, of ${watts(power.budget)}</text>
<text x="${margin}" y="108" font-size="15" font-weight="bold">Ports, as you see them on the front</text>
${[...ports, ...way].join("\n")}
${rack}
${legend(bottom + 34)}
</svg>
`;
}

function portBox(cable: Cable | undefined, port: string, x: number, y: number, width: number, note = "free"): string {
  const center = x + width / 2;
  const role = cable?.host.role ?? "free";
  const ink = cable ? ' class="on"' : ' class="faint"';
  return (
    `<rect class="${role}" x="${x + 2}" y="${y}" width="${round(width - 4)}" height="60" rx="4"/>` +
    `<text${ink} x="${round(center)}" y="${y + 25}" font-size="19" font-weight="bold" text-anchor="middle">${port}</text>` +
    `<text${ink} x="${round(center)}" y="${y + 47}" font-size="${fit(cable?.host.name ?? note, width - 8, 14)}" text-anchor="middle">${escape(cable?.host.name ?? note)}</text>`
  );
}

/** The rack, from its highest unit down; boards without a place stand in a row of their own. */
function rackSvg(cables: readonly Cable[], top: number): { svg: string; bottom: number } {
  const units = [...Map.groupBy(cables, ({ place }) => place?.unit)].sort(([a = -1], [b = -1]) => b - a);
  const slots = Math.max(
    1,
    ...cables.map(({ place }) => place?.slot ?? 0),
    ...units.map(([unit, all]) => (unit === undefined ? all.length : 0)),
  );
  const label = 70;
  const cell = Math.min(130, (inner - label) / slots);
  const rowHeight = 108;
  const rows = units.map(([unit, boards], row) => {
    const y = top + 40 + row * rowHeight;
    const boxes = boards.map((cable, index) => boardBox(cable, margin + label + ((cable.place?.slot ?? index + 1) - 1) * cell, y, cell));
    const name = unit === undefined ? "anywhere" : `unit ${unit}`;
    return [`<text x="${margin}" y="${y + 52}" font-size="15" font-weight="bold">${name}</text>`, ...boxes].join("\n");
  });
  const svg = [
    `<text x="${margin}" y="${top + 24}" font-size="15" font-weight="bold">Boards in the rack, slots from the left</text>`,
    ...rows,
  ].join("\n");
  return { svg, bottom: top + 40 + units.length * rowHeight };
}

function boardBox({ host, port, length, ula, global }: Cable, x: number, y: number, width: number): string {
  const middle = round(x + width / 2);
  const line = (text: string, dy: number, size: number, more = "") =>
    `<text class="on${more.includes("mono") ? " mono" : ""}" x="${middle}" y="${y + dy}" font-size="${fit(text, width - 10, size, more.includes("mono"))}"${more.includes("bold") ? ' font-weight="bold"' : ""} text-anchor="middle">${escape(text)}</text>`;
  return [
    `<rect class="${host.role}" x="${round(x + 2)}" y="${y}" width="${round(width - 4)}" height="98" rx="4"/>`,
    line(host.name, 26, 18, "bold"),
    line(`port ${port}`, 50, 17),
    ...(length === undefined ? [] : [line(`${length} m`, 69, 13)]),
    line(global ?? ula, 88, 12, "mono"),
  ].join("");
}

function legend(y: number): string {
  const roles = [
    ["steering", "control plane, root DNS, monitoring"],
    ["service", "runs pods"],
    ["client", "asks and measures"],
  ] as const;
  const entries = roles.map(([role, what], index) => {
    const x = margin + [0, 400, 620][index]!;
    return `<rect class="${role}" x="${x}" y="${y - 13}" width="18" height="18" rx="3"/><text x="${x + 26}" y="${y + 1}" font-size="14">${role}: ${what}</text>`;
  });
  return entries.join("\n");
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** A size at which a text of that many letters is no wider than there is room. */
function fit(text: string, room: number, size: number, mono = false): number {
  return round(Math.min(size, room / (text.length * (mono ? 0.603 : 0.64))));
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
