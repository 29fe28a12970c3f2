import { Rcode, Type } from "../wire/constants.ts";
import { isSubdomain, nameBytes, parentName, wildcardOf, type Name } from "../wire/name.ts";
import { lookup, matchName, type Answer } from "../zone/lookup.ts";
import type { RRset, ZoneNode } from "../zone/node.ts";
import { differingNames, isSameRrset, type Zone } from "../zone/zone.ts";
import { Arena } from "./arena.ts";
import { isServiceRing, writeBody, type Shift } from "./body.ts";
import { CHILD_GENERAL, DEFAULT_NODATA, hashName, hashSlot, Head, Node, type AnswerTable } from "./layout.ts";
import { Recorder } from "./recorder.ts";

/** Stands for any first label of a name that a wildcard matches: a label that no zone file will hold. */
const STAND_IN = "\x01\x00";
/** Types that are answered through an alias without the general path. */
const ALIAS_TYPES: readonly number[] = [Type.A, Type.AAAA, Type.CNAME];
/** A type that no record has: what it gets, every type without records gets. */
const NO_TYPE = 0xfffe;
/** Octets that a name with a few addresses takes, and as much again for changes: what is not written to costs no memory. */
const OCTETS_PER_NAME = 400;
/** Part of the slots that may be in use before a table is written anew. */
const MAX_LOAD = 0.75;

/** Thrown when a table has no room for a change. */
class Full extends Error {}

/**
 * The answers of a zone, finished, in a block that other threads read. Every answer comes from `lookup`: the table only remembers. It
 * follows its zone at the cost of what has changed.
 */
export class ZoneTable {
  private readonly signed: boolean;
  private zone: Zone;
  private arena!: Arena;
  private recorder!: Recorder;
  private readonly isElsewhere: (name: Name) => boolean;
  /** Whether an alias may lead into another zone. */
  private hasAliases = false;
  /** A node that is no name's. */
  private gone = 0;
  private usedSlots = 0;

  /**
   * @param signed leaves questions with DO to the general path, which signs
   * @param isElsewhere whether a name in this zone is another's to answer for: an alias that leads there is left to the general path
   */
  constructor(zone: Zone, signed = false, isElsewhere: (name: Name) => boolean = () => false) {
    this.zone = zone;
    this.signed = signed;
    this.isElsewhere = isElsewhere;
    this.compile();
  }

  get block(): AnswerTable {
    return this.arena.block;
  }

  /** Goes over to another version of the zone. @returns whether the answers are in another block now, which readers must be told of */
  change(zone: Zone): boolean {
    const before = this.zone;
    this.zone = zone;
    this.recorder.setZone(zone);
    try {
      const names = [...differingNames(before, zone)];
      if (2 * names.length > zone.nodes.size) this.compile();
      else return this.patch(before, names);
    } catch (error) {
      if (!(error instanceof Full)) throw error;
      this.compile();
    }
    return true;
  }

  /** Another zone has come or gone below this one. @returns as `change` */
  rebound(): boolean {
    if (this.hasAliases) this.compile();
    return this.hasAliases;
  }

  private compile(): void {
    const { zone, signed } = this;
    this.arena = new Arena(zone.nodes.size * OCTETS_PER_NAME);
    this.recorder = new Recorder(zone);
    this.allocate(Head.SIZE);
    this.gone = this.allocate(Node.SIZE);
    const size = 2 ** Math.ceil(Math.log2(2 * zone.nodes.size + 2));
    const slots = this.allocate(2 * size);
    this.set(Head.MASK, size - 1);
    this.set(Head.SLOTS, slots);
    this.set(Head.SIGNED, signed ? 1 : 0);
    this.usedSlots = 0;
    this.writeAbsences();
    for (const name of zone.nodes.keys()) this.put(name);
    this.set(Head.APEX, this.arena.words[this.slotOf(zone.origin) + 1]!);
    this.arena.seal();
  }

  private patch(before: Zone, names: readonly Name[]): false {
    const { zone, recorder } = this;
    const stale = new Set<Name>();
    const dependents = recorder.dependents();
    const spoilDependents = (name: Name): void => {
      for (const dependent of dependents.get(name) ?? []) stale.add(dependent);
    };
    const spoil = (name: Name): void => {
      stale.add(name);
      spoilDependents(name);
    };
    for (const name of names) {
      spoil(name);
      // who passed by it on the way down, and found nothing, looked for the wildcard below it last; now one above may match
      if (!zone.nodes.has(name)) spoilDependents(wildcardOf(name));
      // a cut gives glue from below, and a wildcard is written with the name above it
      for (let at = name; at !== zone.origin;) stale.add((at = parentName(at)));
      if (hides(before.nodes.get(name)) === hides(zone.nodes.get(name)) || name === zone.origin) continue;
      // a cut or DNAME that came or went shows or hides all below it
      for (const below of [...(zone.nodes.get(name)?.children ? zone.nodes.keys() : []), ...dependents.keys()]) {
        if (isSubdomain(below, name)) spoil(below);
      }
    }
    if (!isSameRrset(before.negativeSoa.rrset, zone.negativeSoa.rrset) || before.soa.owner !== zone.soa.owner) {
      this.writeAbsences();
      for (const name of recorder.absences) stale.add(name);
    }
    for (const name of stale) this.put(name);
    return false;
  }

  private allocate(words: number): number {
    return this.taken(this.arena.allocate(words));
  }

  private taken(at: number | undefined): number {
    if (at === undefined) throw new Full();
    return at;
  }

  private set(at: number, value: number): void {
    this.arena.words[at] = value;
  }

  /** Writes what absent names and types get. */
  private writeAbsences(): void {
    const { zone } = this;
    for (const [at, rcode] of [
      [Head.NODATA, Rcode.NOERROR],
      [Head.NXDOMAIN, Rcode.NXDOMAIN],
    ] as const) {
      const answer: Answer = { rcode, authoritative: true, answer: [], authority: [zone.negativeSoa], glue: [], additional: [] };
      const body = this.body(zone.origin, answer, "all");
      Atomics.store(this.arena.words, at, body);
    }
  }

  /** Writes the node of a name, and lets the slot of the name lead to it. */
  private put(name: Name): void {
    const node = this.node(name);
    const slot = this.slotOf(name);
    const { words } = this.arena;
    if (words[slot + 1] === 0) {
      if (node === 0) return;
      if (++this.usedSlots > MAX_LOAD * (words[Head.MASK]! + 1)) throw new Full();
      // readers look at it only behind a node
      words[slot] = hashName(name);
    }
    Atomics.store(words, slot + 1, node === 0 ? this.gone : node);
  }

  /** The slot of a name, or else a free one where it would be searched for. */
  private slotOf(name: Name): number {
    const { words } = this.arena;
    const hash = hashName(name);
    const mask = words[Head.MASK]!;
    for (let index = hashSlot(hash, mask); ; index = (index + 1) & mask) {
      const slot = words[Head.SLOTS]! + 2 * index;
      const node = words[slot + 1]!;
      if (node === 0 || (words[slot] === hash && this.isNode(node, name))) return slot;
    }
  }

  private isNode(node: number, name: Name): boolean {
    const { words, octets } = this.arena;
    if (words[node + Node.NAME_LENGTH] !== name.length) return false;
    const at = words[node + Node.NAME]!;
    for (let i = 0; i < name.length; i++) if (octets[at + i] !== name.charCodeAt(i)) return false;
    return true;
  }

  /** Writes the node of a name. @returns 0 when the name is not there, or never found */
  private node(name: Name): number {
    const { zone, recorder } = this;
    const node = zone.nodes.get(name);
    if (!node) return 0;
    // what lies below a cut or a DNAME is never found: the search from above ends there
    const found = matchName(zone, name, NO_TYPE);
    const isCut = found.kind === "delegation" && found.node === node;
    if (found.kind !== "exact" && !isCut) return 0;
    recorder.begin(name);
    if (isCut) {
      const referral = this.body(name, lookup(recorder, name, NO_TYPE), "all");
      return this.write(name, { isCut: true, fallback: referral, child: 0, types: [] });
    }
    return this.data(name, node, "none", this.child(name, node));
  }

  /** What is for names below that do not exist. */
  private child(name: Name, node: ZoneNode): number {
    const { zone } = this;
    if (node.rrsets.has(Type.DNAME)) return CHILD_GENERAL;
    const wildcard = node.children > 0 ? zone.nodes.get(wildcardOf(name)) : undefined;
    if (!wildcard) return 0;
    const asked = `${STAND_IN}${name}` as Name;
    // an alias may lead back to the asked name, so that the answer depends on it
    if (wildcard.rrsets.has(Type.CNAME) || wildcard.rrsets.has(Type.NS) || zone.nodes.has(asked)) return CHILD_GENERAL;
    return this.data(asked, wildcard, "all but the name", 0);
  }

  /** A node with data: asked for as `question`. */
  private data(question: Name, { name, rrsets }: ZoneNode, shift: Shift, child: number): number {
    const body = (type: number): number => {
      const rrset = rrsets.get(type);
      // what is added depends on the choice, and is found when that is made: nor does a new address of a target change anything here
      const isChoice = rrset !== undefined && shift === "none" && !rrsets.has(Type.CNAME) && isServiceRing(rrset);
      return this.body(question, isChoice ? given(name, rrset) : lookup(this.recorder, question, type, this.isElsewhere), shift);
    };
    const aliased = rrsets.has(Type.CNAME);
    this.hasAliases ||= aliased;
    const types = (aliased ? ALIAS_TYPES : [...rrsets.keys()].filter((type) => type !== Type.DS)).flatMap((type) => [type, body(type)]);
    if (!aliased) return this.write(question, { isCut: false, fallback: DEFAULT_NODATA, child, types });
    // an alias that leaves the zone is the answer for every type
    const other = lookup(this.recorder, question, NO_TYPE, this.isElsewhere);
    const fallback = other.rcode === Rcode.NOERROR && other.authority.length === 0 ? body(NO_TYPE) : 0;
    return this.write(question, { isCut: false, fallback, child, types });
  }

  private write(name: Name, node: { isCut: boolean; fallback: number; child: number; types: readonly number[] }): number {
    const at = this.allocate(Node.SIZE + node.types.length + Math.ceil(name.length / 4));
    const nameAt = 4 * (at + Node.SIZE + node.types.length);
    this.set(at + Node.NAME, nameAt);
    this.set(at + Node.NAME_LENGTH, name.length);
    this.set(at + Node.IS_CUT, node.isCut ? 1 : 0);
    this.set(at + Node.DEFAULT, node.fallback);
    this.set(at + Node.CHILD, node.child);
    this.set(at + Node.TYPES, node.types.length / 2);
    this.arena.words.set(node.types, at + Node.SIZE);
    this.arena.octets.set(nameBytes(name), nameAt);
    return at;
  }

  private body(question: Name, answer: Answer, shift: Shift): number {
    if (answer.goesOnAt !== undefined) return 0;
    return this.taken(writeBody(this.arena, question, answer, shift));
  }
}

const given = (owner: Name, rrset: RRset): Answer => ({
  rcode: Rcode.NOERROR,
  authoritative: true,
  answer: [{ owner, rrset, by: "exact" }],
  authority: [],
  glue: [],
  additional: [],
});

/** What of a node decides whether names below it are found. */
const hides = (node: ZoneNode | undefined): string => `${node?.rrsets.has(Type.NS) ?? false} ${node?.rrsets.has(Type.DNAME) ?? false}`;
