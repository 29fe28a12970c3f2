import { resolve } from "node:path";
import { z } from "zod";
import { seconds } from "../settings/values.ts";

const DAY = 86_400;

/** How a zone is signed; it is unsigned without this. */
export const dnssec = z
  .strictObject({
    keys: z.array(z.string()).min(1),
    validity: seconds.min(DAY).default(7 * DAY),
    withdraw: z.boolean().default(false),
  })
  .optional();

export type DnssecSettings = NonNullable<z.output<typeof dnssec>>;

/** The same with the paths of its keys taken from a folder. */
export const dnssecFrom = (folder: string, settings: DnssecSettings | undefined): DnssecSettings | undefined =>
  settings && { ...settings, keys: settings.keys.map((file) => resolve(folder, file)) };
