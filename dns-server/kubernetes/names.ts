import { foldName, formatName, isSubdomain, MAX_NAME_LENGTH, parentName, parseName, wildcardOf, type Name } from "../wire/name.ts";
import { isDomain } from "./settings.ts";

/** A name that an object asks for, and the zone that it is to be in. */
export interface Place {
  readonly name: Name;
  readonly origin: Name;
}

/** The name of some labels below another; undefined when that is too long for a name. */
export function nameBelow(labels: readonly string[], name: Name): Name | undefined {
  const wire = labels.map((label) => String.fromCharCode(label.length) + label).join("") + name;
  return wire.length > MAX_NAME_LENGTH || labels.some((label) => label.length > 63) ? undefined : (wire as Name);
}

/** Text of a name as users write it: without the final dot. */
export const showName = (name: Name): string => formatName(name).replace(/(?<=.)\.$/, "");

/**
 * Reads an absolute host name, of which the first label may be `*`.
 * @param zone that it must be in
 * @returns where it goes, or why it cannot
 */
export function placeHost(text: string, zone: Name): Place | string {
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
export function placeAlias(name: Name, zone: Name): Place | string {
  const origin = parentName(name);
  if (origin !== zone && isSubdomain(origin, zone)) return { name, origin };
  return (
    `${showName(name)} cannot lead to another name: it is delegated to this cluster, and no CNAME stands beside NS records ` +
    `(RFC 1034 section 3.6.2); name addresses, put the CNAME into the zone ${showName(zone)} itself, or use a name with one more label`
  );
}
