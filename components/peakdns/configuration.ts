/** PeakDNS's configurations (docs/peakdns.md), but for where a server listens. Pure. */

/** A name server, as NS and AAAA records have it. */
export interface NameServer {
  /** Absolute name. */
  name: string;
  /** IPv6 or IPv4, the published one first. */
  addresses: string[];
}

/** A TSIG key. */
export interface Key {
  /** Absolute name. */
  name: string;
  /** In base64; a secret. */
  secret: string;
}

/** A key's generations: the first one signs, all are accepted. */
export type Keys = readonly [used: Key, ...accepted: Key[]];

/** What servers keep beyond their lives; a volume is mounted there. */
export const stateDirectory = "/var/lib/peakdns";

/** The name of the cluster's server on a host, below the zone. */
export function serverName(host: string, zone: string): string {
  return `${host}.ns.${zone}`;
}

/** The name of a root server, which are numbered from 1. */
export function rootName(number: number, zone: string): string {
  return `root${number}.ns.${zone}`;
}

/** Where a server is told something over TCP or UDP: its last address, which is inside the cluster. */
function endpoint({ name, addresses }: NameServer): string {
  const address = addresses.at(-1);
  if (address === undefined) throw new Error(`the name server ${name} has no address`);
  return address.includes(":") ? `[${address}]:53` : `${address}:53`;
}

/**
 * The primary: takes registrations from clusters, each of which may delegate names to its own servers and change nothing else, and gives
 * the zone to the secondaries.
 */
export function primaryConfig({ zone, servers, transferKeys, clusters }: {
  zone: string;
  /** The zone's name servers; the first is this one. */
  servers: NameServer[];
  transferKeys: Keys;
  clusters: { keys: Keys; servers: NameServer[] }[];
}) {
  return {
    role: "root",
    zone,
    records: renderZone(zone, servers),
    keys: [...transferKeys, ...clusters.flatMap(({ keys }) => keys)],
    updates: {
      journal: `${stateDirectory}/journal`,
      grants: clusters.flatMap(({ keys, servers }) => keys.map((key) => ({ key: key.name, delegateTo: servers.map(({ name }) => name) }))),
    },
    transfer: {
      keys: transferKeys.map(({ name }) => name),
      notify: servers.slice(1).map((server) => ({ server: endpoint(server), key: transferKeys[0].name })),
    },
  };
}

/** A secondary: fetches the zone, and goes on serving it while the primary is away. */
export function secondaryConfig({ zone, primary, transferKeys }: { zone: string; primary: NameServer; transferKeys: Keys }) {
  return {
    role: "secondary",
    zones: [{ origin: zone, primaries: [endpoint(primary)], key: transferKeys[0].name, file: `${stateDirectory}/zone` }],
    keys: transferKeys,
  };
}

/** A cluster's server: serves the pods' names, and registers itself for them with the root's primary. */
export function clusterConfig({ zone, own, servers, primary, key, prometheus }: {
  zone: string;
  /** Name of this server, one of `servers`. */
  own: string;
  /** The cluster's name servers. */
  servers: NameServer[];
  primary: NameServer;
  key: Key;
  /** URL of Prometheus. */
  prometheus: string;
}) {
  return {
    role: "cluster",
    zone,
    nameServers: servers,
    register: { servers: [endpoint(primary)], key, as: [own] },
    file: `${stateDirectory}/view.json`,
    prometheus: { url: prometheus },
  };
}

/**
 * The zone of the root server in master-file form, without its delegations. Pure.
 * @param zone absolute name of the zone
 * @param servers the zone's own name servers; the first is its primary
 */
export function renderZone(zone: string, servers: NameServer[]): string {
  const [primary] = servers;
  if (!primary) throw new Error(`the zone ${zone} needs a name server`);
  return [
    "$TTL 60",
    // Serial, refresh, retry, expire, and how long a resolver may remember that a name is not there.
    `${zone} SOA ${primary.name} hostmaster.${zone} 1 60 10 604800 5`,
    ...servers.map(({ name }) => `${zone} NS ${name}`),
    ...servers.flatMap(({ name, addresses }) => addresses.map((address) => `${name} ${address.includes(":") ? "AAAA" : "A"} ${address}`)),
    "",
  ].join("\n");
}
