import { readFileSync } from "node:fs";
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from "yaml";
import { z } from "zod";
import { inventoryFaults } from "./checks.ts";
import { equipmentOf, modelOf, type Readable } from "./equipment.ts";
import { defaultStartsAtOnce, powerWarnings } from "./power.ts";
import { highestNumber, hostSchema, inventorySchema, switchSchema, type HostEntry, type SwitchEntry } from "./schema.ts";

/** What a host is for: steering (control plane, root DNS, monitoring), service (runs pods), client (asks and measures). */
export type Role = "steering" | "service" | "client";

/** What the inventory says of a board, and how it is plugged in. */
export interface BoardFacts {
  /** As the catalogue names it. */
  model: string;
  poeCard?: string | undefined;
  storage?: string | undefined;
  boot: "microsd" | "network";
  /** The network interface that its cable goes to. */
  interface: string;
  serial?: string | undefined;
  mac?: string | undefined;
  /** `switch1/7`. */
  port?: string | undefined;
  /** Metres. */
  cable?: number | undefined;
  /** Rack unit and slot, `4/2`. */
  place?: string | undefined;
}

/** A machine of the inventory, before it is known how it comes into being. */
export interface InventoryHost {
  /** Host name: a DNS label, unique in the inventory. */
  name: string;
  /** The n of its prefix `C:n::/80`; unique, 1 to 0xfffd (the two above belong to the router and the operator's host). */
  number: number;
  role: Role;
  /** Where the inventory names the board's model. */
  board?: BoardFacts;
}

/** The machines of a stack. */
export interface Inventory {
  /** How the hosts come into being: containers on this host, boards that boot rendered media, or not at all. */
  kind: "virtual" | "board" | "none";
  /** Architecture of all hosts; where it is not said, boards are arm64, and virtual Pis are what this machine is. */
  arch?: "amd64" | "arm64";
  hosts: InventoryHost[];
  /** Empty where the inventory does not say what boards are plugged into. */
  switches: SwitchEntry[];
  /** How many boards of a switch are switched on at a time. */
  startsAtOnce: number;
  spares: { model: string; count: number }[];
  /** What is no fault and may surprise, with its place. */
  warnings: string[];
}

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
  const told = (issue: Issue) => `${place(offsetOf(document, issue))}: ${z.core.toDotPath(issue.path) || "(document)"}: ${issue.message}`;

  const raw: unknown = document.toJS();
  const parsed = inventorySchema.safeParse(raw);
  const readable = readableParts(raw);
  const unreadable = parsed.error?.issues ?? [];
  // What is there and cannot be read is not missing as well.
  const places = new Set(unreadable.map(({ path }) => path.join()));
  const faults = [...unreadable, ...inventoryFaults(readable).filter(({ path }) => !places.has(path.join()))];
  if (faults.length > 0 || !parsed.success) throw new Error(faults.map(told).join("\n"));
  const { kind, arch, hosts, switches = [], startsAtOnce = defaultStartsAtOnce, spares = [] } = parsed.data;
  return {
    kind, ...(arch && { arch }), switches, startsAtOnce, spares,
    hosts: hosts.map((host) => hostOf(equipmentOf(readable, host) as HostEntry)),
    warnings: powerWarnings(readable).map(told),
  };
}

/** A host with what its board is made of, which is told apart from what the stack knows of each host. */
function hostOf({ name, number, role, model, interface: named, boot = "microsd", ...rest }: HostEntry): InventoryHost {
  const board = modelOf("board", model);
  return { name, number, role, ...(model !== undefined && board && { board: { model, boot, interface: named ?? board.interface, ...rest } }) };
}

/** What can be read of a document that may have faults, so that all of them are told at once. */
function readableParts(raw: unknown): Readable {
  const whole = fieldsOf(inventorySchema, raw);
  const entries = <S extends z.ZodObject>(schema: S, list: "hosts" | "switches") => {
    const written = isRecord(raw) ? raw[list] : undefined;
    return Array.isArray(written) ? written.map((entry: unknown) => fieldsOf(schema, entry)) : [];
  };
  return { ...whole, hosts: entries(hostSchema, "hosts"), switches: entries(switchSchema, "switches") };
}

function fieldsOf<S extends z.ZodObject>(schema: S, raw: unknown): Partial<z.infer<S>> {
  if (!isRecord(raw)) return {};
  const fields = Object.entries(schema.shape).flatMap(([key, type]) => {
    const field = raw[key] === undefined ? undefined : z.safeParse(type as z.core.$ZodType, raw[key]);
    return field?.success ? [[key, field.data]] : [];
  });
  return Object.fromEntries(fields) as Partial<z.infer<S>>;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** A fault at a path, of the schema or of the checks. */
type Issue = Pick<z.core.$ZodIssue, "path" | "message"> & { code?: string; keys?: readonly string[] };

/** Where in a document something is wrong: at the key that is not known, at the value, or at what ought to have it. */
function offsetOf(document: Document, issue: Issue): number {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (!isNode(node)) continue;
    const unknown = issue.code === "unrecognized_keys" ? issue.keys?.[0] : undefined;
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
