/** Where resolution of the zone starts. */
export interface RootServer {
  /** Absolute name. */
  name: string;
  address: string;
}

/** A recursive resolver that knows where one zone starts, and refuses every other name. */
export interface ResolverSettings {
  /** Absolute name of the zone. */
  zone: string;
  /** The zone's root servers. */
  servers: RootServer[];
  /** The address that it listens on. */
  address: string;
  /** UDP and TCP port. */
  port: number;
  /** Who may ask, as prefixes. */
  allow: string[];
}

/** The configuration of unbound as such a resolver. Pure. */
export function renderUnbound({ zone, servers, address, port, allow }: ResolverSettings): string {
  return `server:
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: ${address}@${port}
${allow.map((prefix) => `  access-control: ${prefix} allow`).join("\n")}
  do-ip4: no
  # There is no trust anchor in the zone, so there is nothing to validate.
  module-config: "iterator"
  cache-min-ttl: 0
  # A name that has just appeared is to be found at once.
  cache-max-negative-ttl: 5
  # A server that was away for long is found again when it is back.
  infra-keep-probing: yes
  # Why a name could not be resolved stands in the log.
  log-servfail: yes
  num-threads: 1
  local-zone: "." refuse
  # Where dig +trace starts.
${servers.map(({ name }) => `  local-data: ". 3600 IN NS ${name}"`).join("\n")}
  local-zone: "${zone}" transparent
stub-zone:
  name: "${zone}"
${servers.map(({ address }) => `  stub-addr: ${address}`).join("\n")}
`;
}
