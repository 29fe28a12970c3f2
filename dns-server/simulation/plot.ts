import { NONE, type Row } from "./comparison.ts";

const PANEL = { width: 560, bar: 16, head: 34, foot: 24, label: 200 };
const COLUMNS = 2;
const HIGHEST = 5;

const escape = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * A panel for each scenario, with a bar for each algorithm: the busiest pod's load over the fair one, its average in full and its peak in
 * pale. A line marks what it is without steering.
 */
export function plot(rows: readonly Row[]): string {
  const panels = [...Map.groupBy(rows, ({ scenario }) => scenario.name)];
  const height = PANEL.head + PANEL.bar * Math.max(...panels.map(([, list]) => list.length)) + PANEL.foot;
  const drawn = panels.map(([name, list], i) => {
    const [column, line] = [i % COLUMNS, Math.floor(i / COLUMNS)];
    return `<g transform="translate(${column * PANEL.width},${44 + line * height})">${panel(name, list)}</g>`;
  });
  const size = { width: COLUMNS * PANEL.width, height: 44 + Math.ceil(panels.length / COLUMNS) * height };
  const box = `width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}"`;
  const title = "The busiest pod's load over the fair one: average (full) and 99th percentile (pale); dashed: without steering";
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${box} font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    text(12, 24, title, 'font-size="15"'),
    ...drawn,
    `</svg>\n`,
  ].join("\n");
}

const text = (x: number, y: number, content: string, style = ""): string =>
  `<text x="${x.toFixed(1)}" y="${y}" ${style}>${escape(content)}</text>`;

const upright = (x: number, from: number, to: number, style: string): string =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${from}" y2="${to}" ${style}/>`;

function panel(name: string, rows: readonly Row[]): string {
  const [left, right] = [PANEL.label, PANEL.width - 70];
  const x = (ratio: number): number => left + ((right - left) * (Math.min(ratio, HIGHEST) - 1)) / (HIGHEST - 1);
  const bottom = PANEL.head + rows.length * PANEL.bar;
  const ticks = Array.from({ length: HIGHEST }, (_, i) => {
    const label = text(x(i + 1), bottom + 13, String(i + 1), 'text-anchor="middle" fill="#555"');
    return upright(x(i + 1), PANEL.head, bottom, 'stroke="#ddd"') + label;
  });
  const bars = rows.map(({ contender, typical, peak }, i) => {
    const y = PANEL.head + i * PANEL.bar;
    const color = contender === NONE ? "#666" : contender.isShipped ? "#1f6fb4" : "#c77b22";
    const bar = (ratio: number, opacity: number): string => {
      const width = (x(ratio) - left).toFixed(1);
      return `<rect x="${left}" y="${y + 3}" width="${width}" height="${PANEL.bar - 6}" fill="${color}" opacity="${opacity}"/>`;
    };
    const figures = text(x(peak) + 5, y + 12, `${typical.toFixed(2)} / ${peak.toFixed(2)}`, 'fill="#333"');
    return text(left - 6, y + 12, contender.name, 'text-anchor="end"') + bar(peak, 0.35) + bar(typical, 1) + figures;
  });
  const none = rows.find(({ contender }) => contender === NONE);
  const mark = none ? upright(x(none.typical), PANEL.head, bottom, 'stroke="#666" stroke-dasharray="3 2"') : "";
  return [text(12, PANEL.head - 10, name, 'font-size="13" font-weight="bold"'), ...ticks, ...bars, mark].join("");
}
