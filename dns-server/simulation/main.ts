import { Command } from "commander";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { table } from "../bench/report.ts";
import { compareAll, type Row } from "./comparison.ts";
import { plot } from "./plot.ts";

/** `npm run sim:steering`: steering policies in a closed loop, in a table and a plot; the same each time. */

const format = ({ contender, typical, peak, changes, relief }: Row): string[] => [
  contender.name,
  typical.toFixed(2),
  peak.toFixed(2),
  changes.toFixed(1),
  relief === undefined ? "-" : Number.isFinite(relief) ? relief.toFixed(0) : "never",
];

const flags = new Command("sim:steering")
  .description("simulate steering: answers, caches of resolvers, loads, scrapes and the policies that the server has")
  .option("--plot <file>", "where to write the plot (SVG)", ".peak/steering.svg")
  .option("--json", "print one JSON document, and no tables", false)
  .parse()
  .opts<{ plot: string; json: boolean }>();
const rows = compareAll();
const file = resolve(flags.plot);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, plot(rows));
if (flags.json) {
  const plain = rows.map(({ contender, scenario, typical, peak, changes, relief }) => ({
    scenario: scenario.name,
    algorithm: contender.name,
    typical,
    peak,
    changes,
    ...(relief === undefined ? {} : { relief: Number.isFinite(relief) ? relief : null }),
  }));
  process.stdout.write(`${JSON.stringify(plain, undefined, 2)}\n`);
} else {
  const header = ["algorithm", "average / fair", "peak / fair", "changes/min", "relief s"];
  for (const [name, list] of Map.groupBy(rows, ({ scenario }) => scenario.name))
    process.stdout.write(`${name}\n${table(header, list.map(format))}\n`);
  process.stdout.write(`The plot is in ${file}\n`);
}
