import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";

/** What a host is for: steering (control plane, root DNS, monitoring), service (runs pods), client (asks and measures). */
export type Role = "steering" | "service" | "client";

/** A machine of the inventory, before it is known how it comes into being. */
export interface InventoryHost {
  /** Host name: a DNS label, unique in the inventory. */
  name: string;
  /** The n of its prefix `C:n::/80`; unique, 1 to 0xfffd (the two above belong to the router and the operator's host). */
  number: number;
  role: Role;
}

/** The machines of a stack. */
export interface Inventory {
  /** How the hosts come into being: containers on this host, boards that boot rendered media, or not at all. */
  kind: "virtual" | "board" | "none";
  hosts: InventoryHost[];
}

const host = z.strictObject({
  name: z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits and dashes"),
  number: z.int().min(1).max(0xfffd),
  role: z.enum(["steering", "service", "client"]),
});

const inventory = z
  .strictObject({ kind: z.enum(["virtual", "board", "none"]), hosts: z.array(host) })
  .superRefine(({ kind, hosts }, context) => {
    const complain = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    for (const key of ["name", "number"] as const) {
      const first = new Map<string | number, number>();
      hosts.forEach((entry, index) => {
        const earlier = first.get(entry[key]);
        if (earlier === undefined) first.set(entry[key], index);
        else complain(["hosts", index, key], `${entry[key]} is taken by hosts[${earlier}] already`);
      });
    }
    if (kind === "none") {
      if (hosts.length > 0) complain(["hosts"], "must be empty where kind is none");
      return;
    }
    for (const role of ["steering", "service"] as const) {
      if (!hosts.some((entry) => entry.role === role)) complain(["hosts"], `needs at least one ${role} host`);
    }
  });

/**
 * Parses an inventory from YAML text.
 * @param text the YAML document
 * @param source named in errors, usually the file's path
 * @throws Error listing every fault with its place, e.g. `hosts[3].number`
 */
export function parseInventory(text: string, source: string): Inventory {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (error instanceof YAMLParseError) throw new Error(`${source}: ${error.message}`);
    throw error;
  }
  const result = inventory.safeParse(document);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${z.core.toDotPath(issue.path) || "(document)"}: ${issue.message}`);
  throw new Error(`${source} is not a valid inventory:\n${faults.join("\n")}`);
}

/** Reads and parses an inventory file; throws what `parseInventory` throws, or the file system's error. */
export function loadInventory(path: string): Inventory {
  return parseInventory(readFileSync(path, "utf8"), path);
}

/** The hosts that are nodes of the cluster: steering first. */
export function nodesOf({ hosts }: Inventory): InventoryHost[] {
  return (["steering", "service"] as const).flatMap((role) => hosts.filter((host) => host.role === role));
}

/**
 * The same inventory with another number of nodes (hosts that are not clients): surplus service hosts are dropped from the end,
 * missing ones are added as `pi<number>` after the highest node number. Without a number, nothing changes.
 * @throws Error when fewer nodes than steering hosts plus one service host are asked for, or hosts cannot be made up
 */
export function withNodeCount(inventory: Inventory, nodes: number | undefined): Inventory {
  if (nodes === undefined) return inventory;
  const steering = inventory.hosts.filter((entry) => entry.role === "steering");
  const service = inventory.hosts.filter((entry) => entry.role === "service");
  const clients = inventory.hosts.filter((entry) => entry.role === "client");
  const wanted = nodes - steering.length;
  if (wanted < 1) throw new Error(`peak:nodes is ${nodes}, but ${steering.length} steering and at least 1 service host make ${steering.length + 1}`);
  if (wanted > service.length && inventory.kind !== "virtual") {
    throw new Error(`peak:nodes is ${nodes}, but the inventory has only ${steering.length + service.length} boards; add them to its file`);
  }
  const kept = service.slice(0, wanted);
  const taken = new Set(clients.map((entry) => entry.number));
  let number = Math.max(...steering.map((entry) => entry.number), ...kept.map((entry) => entry.number));
  while (kept.length < wanted) {
    do number += 1;
    while (taken.has(number));
    kept.push({ name: `pi${number}`, number, role: "service" });
  }
  return { ...inventory, hosts: [...steering, ...kept, ...clients] };
}
