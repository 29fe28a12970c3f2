import { catalogue, type Model } from "./catalogue.ts";
import type { HostEntry, InventoryFile, SwitchEntry } from "./schema.ts";

/** What could be read of an inventory: entries without the fields that were unreadable. */
export interface Readable extends Omit<Partial<InventoryFile>, "hosts" | "switches"> {
  hosts: Partial<HostEntry>[];
  switches: Partial<SwitchEntry>[];
}

/** Something that is wrong with an inventory, or may surprise, at a place of the file. */
export interface Fault {
  path: (string | number)[];
  message: string;
}

/** A board's equipment: its own, then the defaults'. */
export function equipmentOf({ defaults }: Pick<Readable, "defaults">, host: Partial<HostEntry>): Partial<HostEntry> {
  return { ...defaults, ...host };
}

/** A model of the catalogue, if it is of that kind. */
export function modelOf<K extends Model["kind"]>(kind: K, name: string | undefined): Extract<Model, { kind: K }> | undefined {
  const model = name === undefined ? undefined : catalogue[name];
  return model?.kind === kind ? (model as Extract<Model, { kind: K }>) : undefined;
}

/** Switch and port of `switch1/7`. */
export function portOf(text: string): { switch: string; port: number } {
  const [name = "", port] = text.split("/");
  return { switch: name, port: Number(port) };
}

/** How many of a model lie in the drawer. */
export function spareCount(spares: readonly { model: string; count: number }[], model: string): number {
  return spares.reduce((sum, spare) => sum + (spare.model === model ? spare.count : 0), 0);
}
