import { Rcode, Type } from "../wire/constants.ts";
import { foldName, isSubdomain, namesBelow, nameBytes, replaceSuffix, ROOT, wildcardOf, type Name } from "../wire/name.ts";
import { targetName } from "../wire/rdata.ts";
import type { OwnedRRset, RRset, ZoneNode } from "./node.ts";
import type { Zone } from "./zone.ts";

/** What is read of a zone to answer a question. */
export interface SearchedZone extends Pick<Zone, "origin" | "negativeSoa"> {
  readonly nodes: Pick<Zone["nodes"], "get">;
}

/** An RRset of an answer, and how it came there: as data of its owner, by a wildcard, or a CNAME that a DNAME stands for. */
export interface AnswerRRset extends OwnedRRset {
  readonly by: "exact" | "wildcard" | "dname";
}

/** What an answer says by leaving it out, for a signed zone to prove: a name, a type at a name (that of `node`), or DS at a cut. */
export type Absence =
  | { readonly kind: "name"; readonly name: Name }
  | { readonly kind: "type"; readonly name: Name; readonly by: "exact" | "wildcard"; readonly node: ZoneNode }
  | { readonly kind: "ds"; readonly name: Name; readonly node: ZoneNode };

/** What a zone says to a question, before it is put into a message. */
export interface Answer {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answer: readonly AnswerRRset[];
  readonly authority: readonly OwnedRRset[];
  /** Glue without which a referral is useless: it must fit, or TC is set (RFC 9471). */
  readonly glue: readonly OwnedRRset[];
  /** Addresses that save the asker a query; left out where they do not fit. */
  readonly additional: readonly OwnedRRset[];
  readonly absence?: Absence;
  /** The name, folded, that a chain of aliases goes on with, in a closer zone that is served here too (RFC 1034 section 4.3.2 step 3a). */
  readonly goesOnAt?: Name;
}

/** Aliases that are followed for one answer; a longer chain is cut there and the asker goes on by itself. */
export const MAX_ALIASES = 16;
/** Names whose addresses are added to one answer. */
const MAX_ADDED = 100;

/** Where a name leads in a zone (RFC 1034 section 4.3.2 step 3, with RFC 4592 and RFC 6672). */
export type Match = { readonly kind: "exact" | "wildcard" | "delegation" | "dname"; readonly node: ZoneNode } | { readonly kind: "none" };

/** Where a name (folded, in the zone) leads when asked for a type. */
export function matchName(zone: SearchedZone, name: Name, type: number): Match {
  let node = zone.nodes.get(zone.origin)!;
  let closest = zone.origin;
  for (const below of namesBelow(name, zone.origin)) {
    // a DNAME redirects what is below its owner, not the owner itself
    if (node.rrsets.has(Type.DNAME)) return { kind: "dname", node };
    const next = zone.nodes.get(below);
    if (!next) {
      const wildcard = zone.nodes.get(wildcardOf(closest));
      return wildcard ? { kind: "wildcard", node: wildcard } : { kind: "none" };
    }
    node = next;
    closest = below;
    // DS belongs to the parent side of the cut (RFC 4035 section 3.1.4.1)
    if (node.rrsets.has(Type.NS) && !(below === name && type === Type.DS)) return { kind: "delegation", node };
  }
  return { kind: "exact", node };
}

/**
 * Answers a question from a zone. Pure.
 * @param name folded, at or below the zone's origin
 * @param isElsewhere whether a name in this zone is another's to answer for, closer to it
 * @param choose what is given of the RRset that was asked for, before anything is looked up for it; all when absent
 */
export function lookup(
  zone: SearchedZone,
  name: Name,
  type: number,
  isElsewhere: (name: Name) => boolean = () => false,
  choose: (rrset: RRset) => RRset = (rrset) => rrset,
): Answer {
  const answer: AnswerRRset[] = [];
  const seen = new Set<Name>();
  const finish = (rcode: number, rest: Partial<Answer> = {}): Answer => ({
    rcode,
    authoritative: true,
    answer,
    authority: [],
    glue: [],
    additional: [],
    ...rest,
  });
  // a chain may come by the same DNAME again; it is told once
  const give = (set: AnswerRRset): void => {
    if (set.by !== "exact" || !answer.some(({ rrset }) => rrset === set.rrset)) answer.push(set);
  };
  const negative = (rcode: number, absence: Absence): Answer => finish(rcode, { authority: [zone.negativeSoa], absence });

  for (let current = name; ;) {
    seen.add(current);
    const found = matchName(zone, current, type);
    let target: Name;
    switch (found.kind) {
      case "none":
        return negative(Rcode.NXDOMAIN, { kind: "name", name: current });
      case "delegation": {
        return finish(Rcode.NOERROR, { authoritative: answer.length > 0, ...referral(zone, found.node) });
      }
      case "dname": {
        const dname = found.node.rrsets.get(Type.DNAME)!;
        const owner = foldName(found.node.name);
        give({ owner: found.node.name, rrset: dname, by: "exact" });
        const synthesized = replaceSuffix(current, owner, bytesToName(dname.rdatas[0]!));
        if (synthesized === undefined) return finish(Rcode.YXDOMAIN);
        target = synthesized;
        answer.push({ owner: current, rrset: { type: Type.CNAME, ttl: dname.ttl, rdatas: [nameBytes(target)] }, by: "dname" });
        if (type === Type.CNAME) return finish(Rcode.NOERROR);
        break;
      }
      case "exact":
      case "wildcard": {
        const { kind: by, node } = found;
        const { rrsets } = node;
        // keep the owner's own spelling where it is data of the zone; the asker's name stands in for a wildcard
        const owner = by === "exact" ? node.name : current;
        const cname = rrsets.get(Type.CNAME);
        if (cname && type !== Type.CNAME && type !== Type.ANY) {
          answer.push({ owner, rrset: cname, by });
          target = bytesToName(cname.rdatas[0]!);
          break;
        }
        const whole = type === Type.ANY ? anyOf(rrsets) : rrsets.get(type);
        const rrset = whole && choose(whole);
        if (!rrset) return negative(Rcode.NOERROR, { kind: "type", name: current, by, node });
        give({ owner, rrset, by });
        return finish(Rcode.NOERROR, { additional: addressesOf(zone, rrset, owner) });
      }
    }
    current = foldName(target);
    if (!isSubdomain(current, zone.origin) || seen.has(current) || seen.size > MAX_ALIASES) return finish(Rcode.NOERROR);
    if (isElsewhere(current)) return finish(Rcode.NOERROR, { goesOnAt: current });
  }
}

/** One RRset stands for all (RFC 8482 section 4.1): the smallest, so that ANY is of no use as an amplifier. */
function anyOf(rrsets: ReadonlyMap<number, RRset>): RRset | undefined {
  let smallest: RRset | undefined;
  for (const rrset of rrsets.values()) if (!smallest || size(rrset) < size(smallest)) smallest = rrset;
  return smallest;
}

const size = (rrset: RRset): number => rrset.rdatas.reduce((sum, rdata) => sum + rdata.length, 0);

const bytesToName = (rdata: Uint8Array): Name => Buffer.from(rdata.buffer, rdata.byteOffset, rdata.byteLength).toString("latin1") as Name;

function referral(zone: SearchedZone, cut: ZoneNode): Partial<Answer> {
  const ns = cut.rrsets.get(Type.NS)!;
  const addresses = addressesOf(zone, ns, cut.name);
  const cutName = foldName(cut.name);
  const inDomain = (set: OwnedRRset): boolean => isSubdomain(foldName(set.owner), cutName);
  return {
    authority: [{ owner: cut.name, rrset: ns }],
    glue: addresses.filter(inDomain),
    additional: addresses.filter((set) => !inDomain(set)),
    absence: { kind: "ds", name: cutName, node: cut },
  };
}

/** Address RRsets, glue and what a wildcard makes included, of the names that an RRset leads to; IPv6 first. */
function addressesOf(zone: SearchedZone, rrset: RRset, owner: Name): OwnedRRset[] {
  const found: OwnedRRset[] = [];
  const seen = new Set<Name>();
  for (const rdata of rrset.rdatas) {
    // glue must all be there; the rest is a courtesy, which must not cost more than the answer
    if (rrset.type !== Type.NS && seen.size >= MAX_ADDED) break;
    let target = targetName(rrset.type, rdata);
    if (target === undefined) continue;
    const isService = rrset.type === Type.SVCB || rrset.type === Type.HTTPS;
    const isAlias = isService && rdata[0] === 0 && rdata[1] === 0;
    // a service without a name of its own is at its owner (RFC 9460 section 2.5.2)
    if (isService && !isAlias && target === ROOT) target = owner;
    if (isService) collectService(zone, target, rrset.type, isAlias, found, seen);
    else collectAddresses(zone, target, found, seen);
  }
  return found;
}

function collectAddresses(zone: SearchedZone, target: Name, found: OwnedRRset[], seen: Set<Name>): void {
  if (seen.has(foldName(target))) return;
  seen.add(foldName(target));
  const at = addressNode(zone, foldName(target));
  for (const type of [Type.AAAA, Type.A]) {
    const set = at?.node.rrsets.get(type);
    if (at && set) found.push({ owner: at.by === "wildcard" ? target : at.node.name, rrset: set });
  }
}

/** What a client needs of the target of a service: its addresses, by aliases too, and where it stands for another one, that one's record. */
function collectService(zone: SearchedZone, target: Name, type: number, isAlias: boolean, found: OwnedRRset[], seen: Set<Name>): void {
  for (let at = target, hops = 0; hops <= MAX_ALIASES && !seen.has(foldName(at)); hops++) {
    const next = addressNode(zone, foldName(at));
    const cname = next?.node.rrsets.get(Type.CNAME);
    if (next && isAlias) {
      const service = next.node.rrsets.get(type);
      const [first] = service?.rdatas ?? [];
      if (service && first) {
        found.push({ owner: next.by === "wildcard" ? at : next.node.name, rrset: service });
        const further = targetName(type, first)!;
        if (further !== ROOT && foldName(further) !== foldName(at)) collectAddresses(zone, further, found, seen);
      }
    }
    if (!next || !cname) return collectAddresses(zone, at, found, seen);
    seen.add(foldName(at));
    found.push({ owner: next.by === "wildcard" ? at : next.node.name, rrset: cname });
    at = bytesToName(cname.rdatas[0]!);
  }
}

/** Glue is found where an answer is not: below a cut. @param name folded */
function addressNode(zone: SearchedZone, name: Name): { node: ZoneNode; by: "exact" | "wildcard" } | undefined {
  const node = zone.nodes.get(name);
  if (node) return { node, by: "exact" };
  if (!isSubdomain(name, zone.origin)) return undefined;
  const match = matchName(zone, name, Type.A);
  return match.kind === "wildcard" ? { node: match.node, by: "wildcard" } : undefined;
}
