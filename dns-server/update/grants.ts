import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, parentName, type Name } from "../wire/name.ts";
import type { ZoneRecord } from "../zone/record.ts";

/** What a key may change. */
export interface Grant {
  /** Name of the key, folded. */
  readonly key: Name;
  /**
   * Name servers, folded, that the key may delegate names of the zone to, and whose addresses it may set. No other key may delegate their
   * names.
   */
  readonly delegateTo: readonly Name[];
  /** Names, folded, that it may change; one that starts with `*.` stands for all below. */
  readonly names: readonly Name[];
  /** Types that it may change at `names`. */
  readonly types: readonly number[];
}

/** By what a key may have a say in a record: it was granted the name and type, or the name server that the record leads to or is of. */
export function rightTo(grants: readonly Grant[], key: Name, record: ZoneRecord): "named" | "delegated" | undefined {
  const name = foldName(record.name);
  const own = grants.filter((grant) => grant.key === key);
  const isNamed = ({ names }: Grant): boolean =>
    names.some((allowed) =>
      allowed.startsWith("\x01*") ? name !== parentName(allowed) && isSubdomain(name, parentName(allowed)) : name === allowed,
    );
  if (own.some((grant) => grant.types.includes(record.type) && isNamed(grant))) return "named";
  return isOf(serversOf(own), record) ? "delegated" : undefined;
}

const serversOf = (grants: readonly Grant[]): Set<Name> => new Set(grants.flatMap(({ delegateTo }) => delegateTo));

/** What a zone has, as far as it decides on a change. */
export interface Surroundings {
  /** Whether a change touches a record that has no lease: it is the operator's. */
  isLasting(record: ZoneRecord): boolean;
  /** The records that a delegation of a name would take out of the zone's answers. */
  hidden(name: Name): readonly ZoneRecord[];
}

/**
 * Whether a key may add or remove a record. The apex is nobody's but for what `names` says. Who may delegate may take nobody else's records,
 * nor join them: or whoever names a domain in a cluster could have any name of the zone, its own name servers among them.
 */
export function mayChange(grants: readonly Grant[], key: Name, zone: Name, record: ZoneRecord, around: Surroundings): boolean {
  const right = rightTo(grants, key, record);
  if (right !== "delegated") return right === "named";
  if (around.isLasting(record)) return false;
  if (record.type !== Type.NS) return true;
  const name = foldName(record.name);
  const servers = serversOf(grants.filter((grant) => grant.key === key));
  const isTheirs = (server: Name): boolean => isSubdomain(server, name) && !servers.has(server);
  return (
    name !== zone &&
    !name.startsWith("\x01*") &&
    !grants.some(({ delegateTo }) => delegateTo.some(isTheirs)) &&
    around.hidden(name).every((other) => isOf(servers, other))
  );
}

/** Whether a record delegates to one of these name servers, or is an address of one. */
export function isOf(servers: ReadonlySet<Name>, { name, type, rdata }: ZoneRecord): boolean {
  if (type === Type.NS) return servers.has(foldName(Buffer.from(rdata).toString("latin1") as Name));
  return (type === Type.AAAA || type === Type.A) && servers.has(foldName(name));
}
