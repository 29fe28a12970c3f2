import { isDomain, showName } from "../model/names.ts";
import { foldName, isSubdomain, parentName, parseName, wildcardOf, type Name } from "../wire/name.ts";

/** A name that an object asks for, and the zone that it is to be in. */
export interface Placement {
  readonly name: Name;
  readonly origin: Name;
}

/**
 * Reads an absolute host name, of which the first label may be `*`.
 * @param zone that it must be in
 * @returns where it goes, or why it cannot
 */
export function placeHost(text: string, zone: Name): Placement | string {
  const host = text.toLowerCase().replace(/\.$/, "");
  const isWildcard = host.startsWith("*.");
  const rest = isWildcard ? host.slice(2) : host;
  if (!isDomain(rest)) return `host "${text}" is no host name (labels of a-z, 0-9 and -, of which the first may be *)`;
  const origin = foldName(parseName(rest));
  if (origin === zone || !isSubdomain(origin, zone)) {
    const where = isWildcard ? "at least two labels below" : "below";
    return `host "${text}" is not ${where} the zone ${showName(zone)}, which is all that is served here; choose another name`;
  }
  return { origin, name: isWildcard ? wildcardOf(origin) : origin };
}

/** Where an alias goes: into the zone of the name above, since a name that is delegated cannot be one (RFC 1034 section 3.6.2). */
export function placeAlias(name: Name, zone: Name): Placement | string {
  const origin = parentName(name);
  if (origin !== zone && isSubdomain(origin, zone)) return { name, origin };
  return (
    `${showName(name)} cannot lead to another name: it is delegated to this cluster, and no CNAME stands beside NS records ` +
    `(RFC 1034 section 3.6.2); name addresses, put the CNAME into the zone ${showName(zone)} itself, or use a name with one more label`
  );
}
