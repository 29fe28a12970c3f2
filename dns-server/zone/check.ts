import { rdataKey } from "../wire/canonical.ts";
import { Type, typeName } from "../wire/constants.ts";
import { foldName, formatName, isSubdomain, parentName, type Name } from "../wire/name.ts";
import { compressibleNames, formatRdata, targetName } from "../wire/rdata.ts";
import type { Place, ZoneRecord, ZoneFault } from "./record.ts";

/** Types that may stand beside a CNAME (RFC 2181 section 10.1, 4034 section 2.5). */
const BESIDE_CNAME = new Set<number>([Type.CNAME, Type.RRSIG, Type.NSEC]);
/** Types that belong at a delegation; those of signers are told with the zone as a whole. */
const AT_CUT = new Set<number>([Type.NS, Type.DS, Type.RRSIG, Type.NSEC]);
const SINGLETONS = new Set<number>([Type.SOA, Type.CNAME, Type.DNAME]);

/** Octets of the records of an answer over TCP, beside its header, its question but for the name, and an OPT record. */
const MOST_OCTETS = 0xffff - 12 - 4 - 11;
/** Octets of a record but for its data, when its name is that of the question. */
const RECORD_HEAD = 12;

/** Said of a zone that brings signatures of its own. */
export const SIGNED =
  "the zone has signatures, but answers are given without them, and validators refuse those: take it unsigned, and sign it here (dnssec)";

/**
 * Checks what only the whole zone shows. An error: no server could serve it right. A warning: it works, but not as its author thinks.
 * @param start where the zone begins, for what is missing of one without records
 */
export function checkRecords(origin: Name, records: readonly ZoneRecord[], start?: Place): ZoneFault[] {
  const faults: ZoneFault[] = [];
  const report = (severity: ZoneFault["severity"], place: Place | undefined, message: string, name?: Name): void =>
    void faults.push({ severity, place, message, ...(name === undefined ? {} : { name }) });
  const byName = new Map<Name, Map<number, ZoneRecord[]>>();
  const seen = new Set<string>();

  for (const record of records) {
    const name = foldName(record.name);
    const shown = formatName(record.name);
    if (!isSubdomain(name, origin)) {
      report("error", record.place, `${shown} is out of the zone ${formatName(origin)}`);
      continue;
    }
    if (record.type === Type.SOA && name !== origin)
      report("error", record.place, `SOA at ${shown}: it belongs at the origin ${formatName(origin)}`, name);
    const types = byName.get(name) ?? new Map<number, ZoneRecord[]>();
    byName.set(name, types);
    const set = types.get(record.type) ?? [];
    types.set(record.type, set);
    const isRepeated = seen.size === seen.add(`${record.type} ${name}${rdataKey(record.type, record.rdata)}`).size;
    if (isRepeated) report("warning", record.place, `${shown} ${typeName(record.type)} is given twice`);
    else if (set.length > 0 && SINGLETONS.has(record.type))
      report("error", record.place, `${shown} has more than one ${typeName(record.type)}`, name);
    else if (set.length > 0 && set[0]!.ttl !== record.ttl && record.type !== Type.RRSIG) {
      report(
        "warning",
        record.place,
        `the TTL differs from that of the other ${typeName(record.type)} records of ${shown}; the lowest is used`,
      );
    }
    set.push(record);
  }

  const apex = byName.get(origin);
  const beginning = records[0]?.place ?? start;
  if (!apex?.has(Type.SOA)) report("error", beginning, `no SOA at the origin ${formatName(origin)}`, origin);
  if (!apex?.has(Type.NS)) report("error", beginning, `no NS at the origin ${formatName(origin)}`, origin);

  const signature = records.find(({ type }) => type === Type.RRSIG);
  if (signature) report("warning", signature.place, SIGNED);

  /** The delegation or DNAME above a name that hides it, if any. */
  const hiddenBy = (name: Name): { name: Name; type: number } | undefined => {
    for (let above = name; above !== origin;) {
      above = parentName(above);
      const types = byName.get(above);
      if (types?.has(Type.DNAME)) return { name: above, type: Type.DNAME };
      if (above !== origin && types?.has(Type.NS)) return { name: above, type: Type.NS };
    }
    return undefined;
  };

  for (const [name, types] of byName) {
    const cname = types.get(Type.CNAME)?.[0];
    const other = [...types.keys()].find((type) => !BESIDE_CNAME.has(type));
    if (cname && other !== undefined)
      report("error", cname.place, `${formatName(name)} has a CNAME and other data (${typeName(other)})`, name);

    const hidden = hiddenBy(name);
    for (const [type, set] of types) {
      const first = set[0]!;
      const isAddress = type === Type.A || type === Type.AAAA;
      const isCut = name !== origin && types.has(Type.NS);
      if (hidden && !(hidden.type === Type.NS && isAddress)) {
        report("warning", first.place, `${formatName(name)} is never seen: ${formatName(hidden.name)} has ${typeName(hidden.type)}`);
      } else if (isCut && !isAddress && !AT_CUT.has(type)) {
        report("warning", first.place, `${typeName(type)} at the delegation ${formatName(name)} is never seen`);
      }
      if (type === Type.DS && !isCut) report("warning", first.place, `DS at ${formatName(name)}, which is no delegation`);
      if (!hidden) for (const record of set) checkTarget(record);
      checkLength(name, type, set);
      if (type === Type.SVCB || type === Type.HTTPS) for (const record of set) checkService(record);
    }
  }

  function checkLength(name: Name, type: number, set: readonly ZoneRecord[]): void {
    // what is compressed may be shorter than it looks
    if (compressibleNames(type)) return;
    const octets = set.reduce((sum, { rdata }) => sum + RECORD_HEAD + rdata.length, name.length);
    if (octets <= MOST_OCTETS) return;
    const besides = set.length === 1 ? ", and the zone cannot be transferred" : "";
    report("warning", set[0]!.place, `${typeName(type)} of ${formatName(name)} is too long for an answer: nobody gets it${besides}`);
  }

  function checkService(record: ZoneRecord): void {
    const keys = formatRdata(record.type, record.rdata).split(" ");
    if (!keys.includes("no-default-alpn") || keys.some((key) => key.startsWith("alpn="))) return;
    report("warning", record.place, `no-default-alpn of ${formatName(record.name)} without alpn leaves clients no protocol (RFC 9460 section 7.1.1)`);
  }

  /** NS, MX and SRV must lead to names with addresses, not to an alias (RFC 2181 section 10.3); what is outside cannot be known. */
  function checkTarget(record: ZoneRecord): void {
    if (record.type !== Type.NS && record.type !== Type.MX && record.type !== Type.SRV) return;
    const target = targetName(record.type, record.rdata);
    if (target === undefined || target.length <= 1) return;
    const folded = foldName(target);
    if (!isSubdomain(folded, origin)) return;
    const types = byName.get(folded);
    const shown = `${typeName(record.type)} of ${formatName(record.name)} leads to ${formatName(target)}`;
    if (types?.has(Type.CNAME)) report("warning", record.place, `${shown}, which is an alias`);
    else if (!types?.has(Type.A) && !types?.has(Type.AAAA) && (record.type === Type.NS || !hiddenBy(folded))) {
      const glue = record.type === Type.NS && isSubdomain(folded, foldName(record.name)) ? " (missing glue)" : "";
      report("warning", record.place, `${shown}, which has no address${glue}`);
    }
  }
  return faults;
}
