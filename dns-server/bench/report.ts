import { cpus, release, totalmem } from "node:os";

/** What the benchmarks print: tables that are Markdown, and the machine they were measured on. */

/** Middle of the values; the upper one of two. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The value that a part of all values is below. @param part from 0 to 1 */
export const quantile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))]!;

export function machine(): string {
  const [memory, node] = [Math.round(totalmem() / 2 ** 30), process.versions.node];
  return `${cpus()[0]!.model.trim()}, ${cpus().length} cores, ${memory} GiB, Linux ${release()}, Node ${node}`;
}

/** A Markdown table: the first column left, the others right, aligned for a terminal too. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |\n`;
  const rule = widths.map((width, i) => (i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [header, rule, ...rows].map(line).join("");
}
