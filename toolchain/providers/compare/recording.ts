/** What an official plugin stored of this project's resources, as facts: committed, and held against the bundled plugins. */

import { isMap, isSecret, type Properties, type Value } from "../shared/properties.ts";
import type { Stored } from "./plugin.ts";

export interface Recording {
  /** Of the plugin's sources, and the date, `2026-11-27`. */
  readonly version: string;
  readonly recorded: string;
  /** By name of the resource. */
  readonly resources: Readonly<Record<string, Stored>>;
}

/** Texts and numbers that differ from run to run, and what stands for them in a recording. */
export type Masks = readonly (readonly [value: RegExp | number, mask: string])[];

/** Members that say nothing about behaviour and that each implementation writes in its own way. */
const OWN: ReadonlySet<string> = new Set([
  "__pulumi_raw_state_delta", // how the bridge spells its own state
  "managedFields", // also who made an object: `pulumi-kubernetes`, or at once the manager of its updates
]);

/** The stored resource with masks in place of what differs from run to run, and `{ secret: ... }` for secrets. */
export function masked({ id, inputs, outputs }: Stored, masks: Masks): Stored {
  const mask = (value: Value): Value => {
    if (typeof value === "number") return masks.find(([number]) => number === value)?.[1] ?? value;
    if (typeof value === "string") return masks.reduce((text, [of, name]) => (typeof of === "number" ? text : text.replace(of, name)), value);
    if (Array.isArray(value)) return value.map(mask);
    if (!isMap(value)) return value;
    if (isSecret(value)) return { secret: mask(value.value) };
    const members = Object.entries(value).filter(([key]) => !OWN.has(key)).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(members.map(([key, member]) => [key, mask(member)]));
  };
  return { id: String(mask(id)), inputs: mask(inputs) as Properties, outputs: mask(outputs) as Properties };
}
