import { Rcode, Type } from "../wire/constants.ts";
import { foldName, type Name } from "../wire/name.ts";
import { lookup, matchName, type Absence, type Answer, type AnswerRRset } from "../zone/lookup.ts";
import type { ZoneRecord } from "../zone/record.ts";
import type { OwnedRRset, RRset, ZoneNode } from "../zone/node.ts";
import type { Zone } from "../zone/zone.ts";
import type { Budget } from "./budget.ts";
import { keyRecords } from "./key.ts";
import { nsecRdata } from "./nsec.ts";
import { Signatures, type SignatureCounts, type SigningSettings } from "./signatures.ts";

/** Signatures kept for names that only askers thought of: those that do not exist, or that a wildcard makes. */
const MAX_INVENTED = 10_000;

/** A record of the proof of an absence: NSEC, or the DS of a cut. */
interface Proof extends OwnedRRset {
  readonly invented: boolean;
}

/**
 * Signs the answers of a zone as they are given, with compact denial of existence (RFC 9824): what is absent is proved by one NSEC of the
 * asked name alone. What a wildcard makes is signed as if it stood there (section 3.3). The zone itself stays as it is.
 */
export class ZoneSigner {
  /** What the zone needs beside its own records: those that tell of the keys. */
  readonly records: readonly ZoneRecord[];
  private readonly origin: Name;
  private readonly data: Signatures;
  private readonly invented: Signatures;

  /** @param withdraw whether the parent is asked to remove its DS records; default no */
  constructor(settings: SigningSettings, withdraw = false) {
    this.records = keyRecords(settings.origin, settings.keys, withdraw);
    this.origin = settings.origin;
    this.data = new Signatures(settings, 0);
    this.invented = new Signatures(settings, MAX_INVENTED);
  }

  counts(): SignatureCounts {
    const [data, invented] = [this.data.counts(), this.invented.counts()];
    return {
      made: data.made + invented.made,
      reused: data.reused + invented.reused,
      limited: data.limited + invented.limited,
      kept: data.kept + invented.kept,
    };
  }

  /**
   * Answers a question with DO: what `lookup` says, signed.
   * @param zone the one in force
   * @param name folded
   * @param compactOk whether the asker takes NXDOMAIN beside a compact denial
   * @param isElsewhere as for `lookup`
   * @param budget for signatures of names that the asker invented; those of the zone are always signed
   * @returns undefined when the budget is spent
   */
  answer(
    zone: Zone,
    name: Name,
    type: number,
    compactOk: boolean,
    budget: Budget,
    isElsewhere?: (name: Name) => boolean,
  ): Answer | undefined {
    // a few types and NSEC for each name, and those of the zone before
    this.data.limit = 1000 + 4 * zone.nodes.size;
    const found = lookup(zone, name, type, isElsewhere);
    const { absence } = found;
    const answer: AnswerRRset[] = [];
    for (const set of found.answer) {
      const rrset = whole(set.rrset);
      answer.push({ ...set, rrset });
      if (set.by === "dname") continue;
      const signature = this.signature(set.owner, rrset, set.by === "wildcard" ? budget : undefined);
      if (!signature) return undefined;
      answer.push({ ...set, rrset: signature });
    }
    const authority: OwnedRRset[] = [];
    for (const set of found.authority) {
      authority.push(set);
      // the NS of a cut are not the zone's to sign; the SOA is signed with the TTL that it has, not the one of absences
      if (set.rrset.type !== Type.SOA) continue;
      const signature = this.signature(set.owner, zone.soa.rrset)!;
      authority.push({ owner: set.owner, rrset: { ...signature, ttl: set.rrset.ttl } });
    }
    if (absence) {
      const { owner, rrset, invented } = this.prove(zone, absence);
      const signature = this.signature(owner, rrset, invented ? budget : undefined);
      if (!signature) return undefined;
      // at a name that is there these two are not absent
      if (absence.kind === "type" && (type === Type.NSEC || type === Type.RRSIG)) {
        const asked = type === Type.NSEC ? [rrset, signature] : [signature];
        return { ...found, answer: [...answer, ...asked.map((set) => ({ owner, rrset: set, by: absence.by }))], authority: [] };
      }
      authority.push({ owner, rrset }, { owner, rrset: signature });
    }
    const additional = found.additional.flatMap((set): OwnedRRset[] => {
      const rrset = whole(set.rrset);
      const { kind } = matchName(zone, foldName(set.owner), rrset.type);
      // not worth a signature for each name that leads to a wildcard, and no good without
      if (kind === "wildcard") return [];
      return kind === "exact" ? [{ ...set, rrset }, { ...set, rrset: this.signature(set.owner, rrset)! }] : [set];
    });
    const rcode = absence?.kind === "name" && !compactOk ? Rcode.NOERROR : found.rcode;
    return { ...found, rcode, answer, authority, additional };
  }

  /** @returns undefined only with a budget, when it is spent */
  private signature(owner: Name, rrset: RRset, budget?: Budget): RRset | undefined {
    return budget ? this.invented.of(foldName(owner), rrset, () => budget.take()) : this.data.of(foldName(owner), rrset);
  }

  private prove(zone: Zone, absence: Absence): Proof {
    const { name } = absence;
    const nsec = (types: readonly number[], invented: boolean): Proof => ({
      owner: name,
      rrset: {
        type: Type.NSEC,
        ttl: zone.negativeSoa.rrset.ttl,
        rdatas: [nsecRdata(name, this.origin, [...types, Type.RRSIG, Type.NSEC])],
      },
      invented,
    });
    switch (absence.kind) {
      case "name":
        return nsec([Type.NXNAME], true);
      case "type":
        return nsec(typesOf(zone, absence.node), absence.by === "wildcard");
      case "ds": {
        const ds = absence.node.rrsets.get(Type.DS);
        return ds ? { owner: absence.node.name, rrset: ds, invented: false } : nsec(typesOf(zone, absence.node), false);
      }
    }
  }
}

/** All records, since signatures are over all of them. */
const whole = (rrset: RRset): RRset => {
  const { type, ttl, rdatas, maxAnswers } = rrset;
  // the same one where it can be: so a signature that is kept is known to be its own at once
  return maxAnswers === undefined ? rrset : { type, ttl, rdatas };
};

/** Types that the zone has at a name: at a cut only NS and DS, the rest there belongs to the child. */
function typesOf(zone: Zone, node: ZoneNode): number[] {
  const types = [...node.rrsets.keys()];
  const isCut = node.rrsets.has(Type.NS) && foldName(node.name) !== zone.origin;
  return isCut ? types.filter((type) => type === Type.NS || type === Type.DS) : types;
}
