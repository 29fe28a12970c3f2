import { z } from "zod";
import { modelsOf } from "./catalogue.ts";

/** The two numbers above belong to the router and the operator's host. */
export const highestNumber = 0xfffd;

/** Places are counted from one. */
const counted = "([1-9]\\d{0,3})";
const label = z.string().regex(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a DNS label: lower-case letters, digits and dashes");
const model = (kind: Parameters<typeof modelsOf>[0]) => z.enum(modelsOf(kind) as [string, ...string[]]);
const pair = (pattern: string, message: string) => z.string().regex(new RegExp(`^${pattern}$`), message);

/** Unit of the rack and slot in it, both from one: `4/2`. */
const place = pair(`${counted}/${counted}`, "must be UNIT/SLOT of the rack, such as 4/2").describe(
  "Where it is in the rack: UNIT/SLOT, units from below, slots from the left",
);
const mac = pair("[0-9a-f]{2}(:[0-9a-f]{2}){5}", "must be a MAC address in lower case, such as 2c:cf:67:00:00:01");

/** What a board is made of: what `defaults` may say for all boards, and each board for itself. */
const equipment = {
  model: model("board").optional().describe("The board, as hardware/catalogue.ts names it"),
  poeCard: model("poe card").optional().describe("The card that it gets its power by"),
  storage: model("storage").optional().describe("The storage that it boots from, or keeps its data on"),
  boot: z.enum(["microsd", "network"]).optional().describe("What it boots from; microsd where nothing is said"),
  interface: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,14}$/, "must be the name of a network interface, such as eth0")
    .optional()
    .describe("The network interface that its cable goes to, where it is not the model's"),
  cable: z.number().positive().max(100).optional().describe("Length of its cable in metres"),
};

export const hostSchema = z.strictObject({
  name: label.describe("Host name: a DNS label, unique in the inventory"),
  number: z.int().min(1).max(highestNumber).describe("The n of its prefix C:n::/80; unique"),
  role: z
    .enum(["steering", "service", "client"])
    .describe("steering: control plane, root DNS, monitoring; service: runs pods; client: asks and measures"),
  ...equipment,
  serial: pair("([0-9a-f]{8}|[0-9a-f]{16})", "must be a serial number: 8 or 16 hexadecimal digits in lower case")
    .optional()
    .describe("Serial number: network boot looks for files under its last 8 digits"),
  mac: mac.optional().describe("MAC address of the interface: network boot and the switch know the board by it"),
  port: pair(`[a-z][a-z0-9-]*/${counted}`, "must be SWITCH/PORT, such as switch1/7")
    .optional()
    .describe("The switch's port that its cable goes to: SWITCH/PORT"),
  place: place.optional(),
});

export const switchSchema = z.strictObject({
  name: label,
  model: model("switch"),
  place: place.optional(),
  mac: mac.optional().describe("MAC address: its controller knows it by that"),
  uplink: z.int().min(1).optional().describe("The port that the way out is plugged into"),
});

export const spareSchema = z.strictObject({
  model: z.enum([...modelsOf("board"), ...modelsOf("poe card"), ...modelsOf("storage"), ...modelsOf("switch")] as [string, ...string[]]),
  count: z.int().min(1),
});

/** An inventory as it is written. */
export const inventorySchema = z.strictObject({
  kind: z
    .enum(["virtual", "board", "none"])
    .describe("How the hosts come into being: containers on this host, boards that boot rendered media, or not at all"),
  arch: z.enum(["amd64", "arm64"]).optional().describe("Architecture of boards whose model is not named; arm64 where nothing is said"),
  defaults: z.strictObject(equipment).optional().describe("What every board is made of that says nothing else"),
  startsAtOnce: z.int().min(1).optional().describe("How many boards of a switch are switched on at a time; 4 where nothing is said"),
  switches: z.array(switchSchema).optional(),
  hosts: z.array(hostSchema),
  spares: z.array(spareSchema).optional().describe("What lies in the drawer"),
});

export type HostEntry = z.infer<typeof hostSchema>;
export type SwitchEntry = z.infer<typeof switchSchema>;
export type InventoryFile = z.infer<typeof inventorySchema>;

/** The JSON Schema of inventories, for editors. */
export function inventoryJsonSchema(): object {
  return { title: "Inventory of a stack of Peak", ...z.toJSONSchema(inventorySchema) };
}
