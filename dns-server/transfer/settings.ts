import { z } from "zod";
import { dnssec } from "../dnssec/settings.ts";
import { endpoint, name, prefix } from "../settings/values.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { formatName, type Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";

type Notified = { readonly server: Endpoint } | { readonly server: Endpoint; readonly key: Name };

const signed = z.strictObject({ server: endpoint, key: name });

/** Somebody to be told of changes: an address, or one with the name of the key to sign with. */
const notified = z.union([z.string(), z.looseObject({})]).transform((value, context): Notified => {
  // a union would only say that it is neither
  const read = typeof value === "string" ? endpoint.transform((server) => ({ server })).safeParse(value) : signed.safeParse(value);
  if (read.success) return read.data;
  for (const issue of read.error.issues) context.addIssue({ code: "custom", path: issue.path, message: issue.message });
  return z.NEVER;
});

/** To whom a zone is given, and who is told when it changes. */
export const transfer = z
  .strictObject({ keys: z.array(name).default([]), prefixes: z.array(prefix).default([]), notify: z.array(notified).default([]) })
  .prefault({});

/** A zone that is fetched from its primaries. */
export const secondaryZone = z.strictObject({
  origin: name,
  primaries: z.array(endpoint).min(1),
  key: name.optional(),
  file: z.string().optional(),
  transfer,
  dnssec,
});

export type TransferSettings = z.output<typeof transfer>;
export type SecondaryZoneSettings = z.output<typeof secondaryZone>;

interface WithKeys {
  readonly keys: readonly TsigKey[];
  readonly transfer?: TransferSettings;
  readonly zones?: readonly { readonly key?: Name | undefined; readonly transfer: TransferSettings }[];
}

/** Checks that every key that transfers name is under `keys`. */
export function knowsKeys({ keys, transfer: own, zones = [] }: WithKeys, context: z.RefinementCtx): void {
  const known = new Set(keys.map((key) => key.name));
  const check = (named: readonly (Name | undefined)[], path: PropertyKey[]): void => {
    for (const key of named)
      if (key !== undefined && !known.has(key))
        context.addIssue({ code: "custom", path, message: `the key ${formatName(key)} is not under keys` });
  };
  const checkTransfer = ({ keys: granted, notify }: TransferSettings, path: PropertyKey[]): void => {
    check(granted, [...path, "keys"]);
    check(
      notify.map((target) => ("key" in target ? target.key : undefined)),
      [...path, "notify"],
    );
  };
  if (own) checkTransfer(own, ["transfer"]);
  zones.forEach((zone, i) => {
    check([zone.key], ["zones", i, "key"]);
    checkTransfer(zone.transfer, ["zones", i, "transfer"]);
  });
}
