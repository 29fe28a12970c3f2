import { Type } from "../wire/constants.ts";
import { foldName, isSubdomain, parentName, type Name } from "../wire/name.ts";
import type { ZoneRecord } from "../zone/record.ts";

/** What a key may change. */
export interface Grant {
  /** Name of the key, folded. */
  readonly key: Name;
  /** Name servers, folded, that the key may delegate names of the zone to, and whose addresses it may set. */
  readonly delegateTo: readonly Name[];
  /** Names, folded, that it may change; one that starts with `*.` stands for all below. */
  readonly names: readonly Name[];
  /** Types that it may change at `names`. */
  readonly types: readonly number[];
}

/** Whether a key may add or remove a record. The apex is nobody's but for what `names` says. */
export function mayChange(grants: readonly Grant[], key: Name, zone: Name, record: ZoneRecord): boolean {
  const name = foldName(record.name);
  return grants.some((grant) => {
    if (grant.key !== key) return false;
    const named = grant.names.some((allowed) =>
      allowed.startsWith("\x01*") ? name !== parentName(allowed) && isSubdomain(name, parentName(allowed)) : name === allowed,
    );
    if (named && grant.types.includes(record.type)) return true;
    if (record.type === Type.NS)
      return name !== zone && grant.delegateTo.includes(foldName(Buffer.from(record.rdata).toString("latin1") as Name));
    return (record.type === Type.AAAA || record.type === Type.A) && grant.delegateTo.includes(name);
  });
}
