import { readFileSync } from "node:fs";
import { z } from "zod";
import { replaceFileSync } from "../runtime/atomic-file.ts";
import { UserError } from "../runtime/errors.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../wire/address.ts";
import { RefusalAction } from "./guard.ts";
import { compilePrefixes, type PrefixTable } from "./prefix-table.ts";

/** A prefix whose queries are refused (REFUSED), or dropped (no answer at all). */
export const refusal = z.object({
  /** In canonical form. */
  prefix: z.string(),
  action: z.enum(["refuse", "drop"]),
  /** When it ends; without it never. */
  until: z.iso.datetime().optional(),
});
export type Refusal = z.output<typeof refusal>;

/** `setTimeout` knows no longer time, milliseconds. */
const MAX_TIMER = 0x7fffffff;

/** The prefixes that an operator has named, kept in a file where there is one. Longer prefixes count before shorter ones. */
export class Refusals {
  private readonly entries = new Map<string, Refusal & { readonly parsed: Prefix }>();
  private readonly file: string | undefined;
  private readonly changed: (table: PrefixTable) => void;
  private expiry: NodeJS.Timeout | undefined;

  /**
   * @param file where they are kept over a restart; undefined: nowhere
   * @param changed told of each new table, `RefusalAction` by prefix
   * @throws UserError when the file is there and faulty
   */
  constructor(file: string | undefined, changed: (table: PrefixTable) => void) {
    this.file = file;
    this.changed = changed;
    for (const entry of file === undefined ? [] : readFile(file))
      this.entries.set(entry.prefix, { ...entry, parsed: parsePrefix(entry.prefix) });
    this.update();
  }

  list(): Refusal[] {
    return [...this.entries.values()].map(({ parsed: _, ...entry }) => entry);
  }

  /** @throws UserError when it is in force but could not be kept */
  add(prefix: Prefix, action: Refusal["action"], until: Date | undefined): Refusal {
    const entry = { prefix: formatPrefix(prefix), action, ...(until && { until: until.toISOString() }) };
    this.entries.set(entry.prefix, { ...entry, parsed: prefix });
    this.update();
    this.keep();
    return entry;
  }

  /** @throws UserError when there is none for this very prefix, or the change is in force but could not be kept */
  remove(prefix: Prefix): Refusal {
    const text = formatPrefix(prefix);
    const entry = this.entries.get(text);
    if (!entry) throw new UserError(`${text} itself is not refused: see peakdns refusals`);
    this.entries.delete(text);
    this.update();
    this.keep();
    const { parsed: _, ...removed } = entry;
    return removed;
  }

  /** Takes out what has ended, tells the others, and sets the clock for the next. */
  private update(): void {
    clearTimeout(this.expiry);
    const now = Date.now();
    let next = Infinity;
    for (const [prefix, { until }] of this.entries) {
      const end = until === undefined ? Infinity : Date.parse(until);
      if (end <= now) this.entries.delete(prefix);
      else next = Math.min(next, end);
    }
    if (next !== Infinity) this.expiry = setTimeout(() => this.update(), Math.min(next - now, MAX_TIMER)).unref();
    this.changed(
      compilePrefixes([...this.entries.values()].map(({ parsed, action }) => ({ prefix: parsed, value: RefusalAction[action] }))),
    );
  }

  private keep(): void {
    if (this.file === undefined) return;
    try {
      replaceFileSync(this.file, `${JSON.stringify(this.list(), undefined, 2)}\n`);
    } catch (error) {
      throw new UserError(`the change is in force, but lost at the next restart: ${(error as Error).message}`);
    }
  }

  close(): void {
    clearTimeout(this.expiry);
  }
}

function readFile(file: string): Refusal[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new UserError(`refusals: ${(error as Error).message}`);
  }
  try {
    return z
      .array(refusal)
      .parse(JSON.parse(text))
      .map((entry) => ({ ...entry, prefix: formatPrefix(parsePrefix(entry.prefix)) }));
  } catch (error) {
    throw new UserError(`refusals: ${file} is faulty, mend or remove it: ${(error as Error).message}`);
  }
}
