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

/**
 * Whether a key may add or remove a record. The apex is nobody's but for what `names` says.
 * @param hidden the records that a delegation of a name would take out of the zone's answers. Who may delegate may take nobody else's: or
 * whoever names a domain in a cluster could have any name of the zone, its own name servers among them
 */
export function mayChange(
  grants: readonly Grant[],
  key: Name,
  zone: Name,
  record: ZoneRecord,
  hidden: (name: Name) => readonly ZoneRecord[],
): boolean {
  const name = foldName(record.name);
  const own = grants.filter((grant) => grant.key === key);
  const isNamed = ({ names }: Grant): boolean =>
    names.some((allowed) =>
      allowed.startsWith("\x01*") ? name !== parentName(allowed) && isSubdomain(name, parentName(allowed)) : name === allowed,
    );
  if (own.some((grant) => grant.types.includes(record.type) && isNamed(grant))) return true;
  const servers = new Set(own.flatMap(({ delegateTo }) => delegateTo));
  if (!isOf(servers, record)) return false;
  if (record.type !== Type.NS) return true;
  const isTheirs = (server: Name): boolean => isSubdomain(server, name) && !servers.has(server);
  return (
    name !== zone &&
    !name.startsWith("\x01*") &&
    !grants.some(({ delegateTo }) => delegateTo.some(isTheirs)) &&
    hidden(name).every((other) => isOf(servers, other))
  );
}

/** Whether a record delegates to one of these name servers, or is an address of one. */
function isOf(servers: ReadonlySet<Name>, { name, type, rdata }: ZoneRecord): boolean {
  if (type === Type.NS) return servers.has(foldName(Buffer.from(rdata).toString("latin1") as Name));
  return (type === Type.AAAA || type === Type.A) && servers.has(foldName(name));
}
