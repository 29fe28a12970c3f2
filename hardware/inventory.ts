import { readFileSync } from "node:fs";
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from "yaml";
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
  /** Architecture of all hosts; where it is not said, boards are arm64, and virtual Pis are what this machine is. */
  arch?: "amd64" | "arm64" | undefined;
  hosts: InventoryHost[];
}

/** The two above belong to the router and the operator's host. */
const highestNumber = 0xfffd;

const host = z.strictObject({
  name: z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits and dashes"),
  number: z.int().min(1).max(highestNumber),
  role: z.enum(["steering", "service", "client"]),
});

const inventory = z
  .strictObject({ kind: z.enum(["virtual", "board", "none"]), arch: z.enum(["amd64", "arm64"]).optional(), hosts: z.array(host) })
  .superRefine(({ kind, arch, hosts }, context) => {
    const complain = (path: (string | number)[], message: string) => context.addIssue({ code: "custom", path, message });
    if (arch !== undefined && kind !== "board") complain(["arch"], "is for boards; virtual Pis are what this machine is");
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
    hosts.forEach(({ name }, index) => {
      // Names of servers and of links that the stack makes by itself.
      if (/^root\d+$/.test(name) || (kind === "virtual" && ["switch", "bridge"].includes(name))) complain(["hosts", index, "name"], `${name} is taken by the stack itself`);
      if (kind === "virtual" && name.length > 15) complain(["hosts", index, "name"], "must have 15 characters at most: a link is named after a virtual host");
    });
    for (const role of ["steering", "service"] as const) {
      if (!hosts.some((entry) => entry.role === role)) complain(["hosts"], `needs at least one ${role} host`);
    }
  });

/**
 * Parses an inventory from YAML text.
 * @param text the YAML document
 * @param source named in errors, usually the file's path
 * @throws Error listing every fault with its place, e.g. `inventory.yaml:7: hosts[3].number: ...`
 */
export function parseInventory(text: string, source: string): Inventory {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => `${source}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) throw new Error(document.errors.map(({ pos, message }) => `${place(pos[0])}: ${message}`).join("\n"));
  const result = inventory.safeParse(document.toJS());
  if (result.success) return result.data;
  throw new Error(result.error.issues.map((issue) =>
    `${place(offsetOf(document, issue))}: ${z.core.toDotPath(issue.path) || "(document)"}: ${issue.message}`).join("\n"));
}

/** Where in a document something is wrong: at the key that is not known, at the value, or at what ought to have it. */
function offsetOf(document: Document, issue: z.core.$ZodIssue): number {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node)) continue;
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const key = isMap(node) ? node.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === unknown) : undefined;
    return (isScalar(key) ? key.range?.[0] : undefined) ?? node.range?.[0] ?? 0;
  }
  return 0;
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
 * missing ones are added as `pi<number>`, with numbers after the highest of a node whose number and name are free. Without a number of
 * nodes, nothing changes.
 * @throws Error, whose message follows the name of what asked for the number, when fewer nodes than steering hosts plus one service host are asked for, or hosts cannot be made up
 */
export function withNodeCount(inventory: Inventory, nodes: number | undefined): Inventory {
  if (nodes === undefined) return inventory;
  const steering = inventory.hosts.filter((entry) => entry.role === "steering");
  const service = inventory.hosts.filter((entry) => entry.role === "service");
  const clients = inventory.hosts.filter((entry) => entry.role === "client");
  const wanted = nodes - steering.length;
  if (wanted < 1) throw new Error(`is ${nodes}, but ${steering.length} steering and at least 1 service host make ${steering.length + 1}`);
  if (wanted > service.length && inventory.kind !== "virtual") {
    throw new Error(`is ${nodes}, but the inventory has only ${steering.length + service.length} boards; add them to its file`);
  }
  const kept = service.slice(0, wanted);
  const others = [...steering, ...kept, ...clients];
  const taken = new Set<string | number>(others.flatMap((entry) => [entry.name, entry.number]));
  let number = Math.max(...steering.map((entry) => entry.number), ...kept.map((entry) => entry.number));
  while (kept.length < wanted) {
    do number += 1;
    while (taken.has(number) || taken.has(`pi${number}`));
    if (number > highestNumber) throw new Error(`is ${nodes}: numbers of nodes end at ${highestNumber}`);
    kept.push({ name: `pi${number}`, number, role: "service" });
  }
  return { ...inventory, hosts: [...steering, ...kept, ...clients] };
}
