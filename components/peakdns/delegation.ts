/** A name server, as NS and AAAA records have it. */
export interface NameServer {
  /** Absolute name. */
  name: string;
  addresses: string[];
}

/** What the root server is configured with for the names of clusters: NS sets with their glue, by name below the zone. */
export type Delegations = Record<string, NameServer[]>;

/** The name of the server on a host, below the zone. */
export function serverName(host: string, zone: string): string {
  return `${host}.ns.${zone}`;
}

/**
 * Delegates each name to every server of each cluster that serves it. Pure.
 * @param clusters for each cluster the names (below the zone) that it serves, and its servers
 */
export function delegate(clusters: { domains: string[]; servers: NameServer[] }[]): Delegations {
  const delegations: Delegations = {};
  for (const { domains, servers } of clusters) {
    for (const domain of domains) (delegations[domain] ??= []).push(...servers);
  }
  return delegations;
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
    `${zone} SOA ${primary.name} hostmaster.${zone} 1 3600 600 604800 5`,
    ...servers.map(({ name }) => `${zone} NS ${name}`),
    ...servers.flatMap(({ name, addresses }) => addresses.map((address) => `${name} ${address.includes(":") ? "AAAA" : "A"} ${address}`)),
    "",
  ].join("\n");
}
