import type { RootConfig, ZonesConfig } from "../config/roles.ts";
import { loadServedZone, type ServedZone } from "../dnssec/load.ts";
import { log } from "../runtime/log.ts";
import type { Offers } from "../transfer/outgoing.ts";
import { Journal } from "../update/journal.ts";
import { applyJournal } from "../update/merge.ts";
import { UpdatableZone } from "../update/updatable.ts";
import type { View } from "../view/view.ts";
import { Type } from "../wire/constants.ts";
import { foldName, nameBytes, parseName, type Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { checkRecords } from "../zone/check.ts";
import { readZoneFile } from "../zone/load.ts";
import { addressRecord } from "../zone/name-server.ts";
import { formatFault, type ZoneRecord, type ZoneFault } from "../zone/record.ts";
import { NO_EXCHANGE, type Source, type ZoneExchange } from "./source.ts";

/** Zone of a root server: the records of its file or text, and its static delegations. */
export function loadRootZone(config: RootConfig): ServedZone {
  const ttl = config.delegationTtl;
  const delegations = Object.entries(config.delegations).flatMap(([domain, servers]) =>
    servers.flatMap(({ name, addresses }): ZoneRecord[] => [
      { name: parseName(domain, config.zone), type: Type.NS, ttl, rdata: nameBytes(name) },
      ...addresses.map((address) => addressRecord(name, ttl, address)),
    ]),
  );
  const text = config.records === undefined ? readZoneFile(config.file!, config.include) : { text: config.records, file: "records" };
  return loadServedZone(config.zone, text, config.dnssec, delegations);
}

/** What the configuration delegates to clusters, others that register may serve too. */
const sharedNames = ({ zone, delegations }: RootConfig): Set<Name> =>
  new Set(Object.keys(delegations).map((domain) => foldName(parseName(domain, zone))));

/** What is odd about a root's zone as it will be served: with what updates have made of it. @throws UserError when the journal is faulty */
export function checkUpdated(config: RootConfig, { records }: ServedZone): ZoneFault[] {
  const { zone, updates } = config;
  if (updates === undefined) return [];
  const { content, faults } = applyJournal(zone, records, Journal.read(updates.journal), updates.grants, sharedNames(config));
  return [...faults, ...checkRecords(zone, [...content.records()])];
}

/** Zones of a plain server. */
export const loadZones = (config: ZonesConfig): ServedZone[] =>
  config.zones.map(({ origin, file, include, dnssec }) => loadServedZone(origin, readZoneFile(file, include), dnssec));

/** What a source of master files needs. */
interface StaticZones {
  readonly loaded: readonly ServedZone[];
  readonly keys: readonly TsigKey[];
  readonly offers: Offers;
}

/** A view that never changes. Warnings of its zones are logged. */
function staticSource({ loaded, keys, offers }: StaticZones): Source & { readonly exchange: ZoneExchange } {
  for (const { warnings } of loaded) for (const warning of warnings) log("warn", formatFault(warning));
  const view: View = {
    zones: new Map(loaded.map(({ zone }) => [zone.origin, zone])),
    signers: new Map(loaded.flatMap(({ zone, signer }) => (signer ? [[zone.origin, signer]] : []))),
    loading: [],
  };
  return {
    view: () => view,
    lost: () => undefined,
    exchange: { ...NO_EXCHANGE, keys: new Map(keys.map((key) => [key.name, key])), offers },
    stop: async () => {},
  };
}

/** The zones of master files. */
export const zonesSource = (config: ZonesConfig): Source =>
  staticSource({
    loaded: loadZones(config),
    keys: config.keys,
    offers: new Map(config.zones.map(({ origin, transfer }) => [origin, transfer])),
  });

/** A root zone: static, or changed by updates where the configuration grants them. @param changed called after each new view */
export function rootSource(config: RootConfig, changed: () => void): Source {
  const loaded = loadRootZone(config);
  const fixed = staticSource({ loaded: [loaded], keys: config.keys, offers: new Map([[config.zone, config.transfer]]) });
  if (config.updates === undefined) return fixed;
  const settings = { ...config.updates, delegationTtl: config.delegationTtl, shared: sharedNames(config) };
  const updatable = new UpdatableZone(config.zone, loaded.records, settings, changed);
  return {
    ...fixed,
    view: () => ({ ...fixed.view(), zones: new Map([[config.zone, updatable.zone()]]) }),
    exchange: { ...fixed.exchange, update: (request) => updatable.update(request) },
    stop: async () => updatable.close(),
  };
}
