import type { RootConfig, ZonesConfig } from "../config.ts";
import { addressRecord } from "../kubernetes/domains.ts";
import { log } from "../log.ts";
import type { View } from "../view/view.ts";
import { UpdatableZone } from "../update/updatable.ts";
import { Type } from "../wire/constants.ts";
import { nameBytes, parseName } from "../wire/name.ts";
import { loadZone, readZoneFile, type LoadedZone } from "../zone/load.ts";
import { formatFault, type ZoneRecord } from "../zone/record.ts";
import type { Zone } from "../zone/zone.ts";
import type { Source } from "./source.ts";

/** Zone of a root server: the records of its file or text, and its static delegations. */
export function loadRootZone(config: RootConfig): LoadedZone {
  const ttl = config.delegationTtl;
  const delegations = Object.entries(config.delegations).flatMap(([domain, servers]) =>
    servers.flatMap(({ name, addresses }): ZoneRecord[] => [
      { name: parseName(domain, config.zone), type: Type.NS, ttl, rdata: nameBytes(name) },
      ...addresses.map((address) => addressRecord(name, ttl, address)),
    ]),
  );
  const text = config.records === undefined ? readZoneFile(config.file!, config.include) : { text: config.records, file: "records" };
  return loadZone(config.zone, text, delegations);
}

/** Zones of a plain server. */
export const loadZones = (config: ZonesConfig): LoadedZone[] =>
  config.zones.map(({ origin, file, include }) => loadZone(origin, readZoneFile(file, include)));

/** A view that never changes. Warnings of its zones are logged. */
export function staticSource(loaded: readonly LoadedZone[]): Source {
  for (const { warnings } of loaded) for (const warning of warnings) log("warn", formatFault(warning));
  const view: View = { zones: new Map(loaded.map(({ zone }): [Zone["origin"], Zone] => [zone.origin, zone])), loading: [] };
  return { view: () => view, ageSeconds: () => 0, pods: () => undefined, stop: async () => {} };
}

/** A root zone: static, or changed by updates where the configuration grants them. @param changed called after each new view */
export function rootSource(config: RootConfig, changed: () => void): Source {
  const loaded = loadRootZone(config);
  const fixed = staticSource([loaded]);
  if (config.updates === undefined) return fixed;
  const keys = new Map(config.keys.map((key) => [key.name, key]));
  const updatable = new UpdatableZone(config.zone, loaded.records, { keys, ...config.updates }, changed);
  return {
    ...fixed,
    view: () => ({ zones: new Map([[config.zone, updatable.zone()]]), loading: [] }),
    update: (message) => updatable.handle(message),
    stop: async () => updatable.close(),
  };
}
