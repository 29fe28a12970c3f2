import { createHash } from "node:crypto";
import { UserError } from "../runtime/errors.ts";
import { log } from "../runtime/log.ts";
import type { Request, Response } from "../view/exchange.ts";
import { Class, Rcode, Type } from "../wire/constants.ts";
import { leaseRecord } from "../wire/edns.ts";
import { bareAnswer } from "../wire/message.ts";
import { foldName, formatName, isSubdomain, type Name } from "../wire/name.ts";
import { readUpdate, type UpdateRecord } from "../wire/update.ts";
import { formatFault, formatRecord, type ZoneRecord } from "../zone/record.ts";
import { changeZone, makeZone, type Zone } from "../zone/zone.ts";
import {
  checkPrerequisites,
  Content,
  planUpdates,
  nextSerial,
  dataKey,
  withNextSerial,
  type Change,
  type LeasedRecord,
} from "./content.ts";
import { mayChange, rightTo, type Grant, type Surroundings } from "./grants.ts";
import { Journal } from "./journal.ts";
import { applyJournal } from "./merge.ts";

export interface UpdateSettings {
  readonly grants: readonly Grant[];
  /** File of the journal. */
  readonly journal: string;
  /** TTL of what is registered by `delegateTo`, seconds, whatever is asked for; as it is asked for when absent. */
  readonly delegationTtl?: number;
  /** Names, folded, that the operator delegates to clusters: other clusters join them. */
  readonly shared?: ReadonlySet<Name>;
}

interface Result {
  readonly rcode: number;
  /** Seconds that were granted. */
  readonly lease?: number;
}

/** Leases are granted within these bounds, seconds. */
const MIN_LEASE = 10;
const MAX_LEASE = 86_400;
/** After a start, leases that ran out meanwhile live so long, seconds: their holders could not renew them. */
const START_GRACE = 60;
/** Lines of the journal, beyond the records that it added, at which it is written anew. */
const JOURNAL_SLACK = 1000;
/** Until a journal that could not be written is tried again. */
const RETRY_MS = 1000;
/** Longest timer that Node knows. */
const MAX_TIMER_MS = 0x7fffffff;

/** A zone that DNS UPDATE changes (RFC 2136, 8945, 9664): its records are those of its master file and what the journal did to them. */
export class UpdatableZone {
  private readonly origin: Name;
  private readonly settings: UpdateSettings;
  private readonly base: readonly ZoneRecord[];
  private readonly content: Content;
  private readonly journal: Journal;
  /** By name, what the journal makes and is not served, since edited records won. */
  private readonly leftOut: Map<Name, ZoneRecord[]>;
  private readonly changed: () => void;
  private current: Zone;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer looks for leases that have run out. */
  private nextExpiry = Infinity;
  private shortenAt: number;

  /**
   * @param origin folded
   * @param base checked records
   * @param changed called after each change that answers show
   * @throws UserError when the journal cannot be read
   */
  constructor(origin: Name, base: readonly ZoneRecord[], settings: UpdateSettings, changed: () => void) {
    this.origin = origin;
    this.settings = settings;
    this.base = base;
    this.changed = changed;
    const { journal, changes } = Journal.open(settings.journal);
    this.journal = journal;
    const { content, faults, leftOut } = applyJournal(origin, base, changes, settings.grants, settings.shared);
    this.content = content;
    this.leftOut = leftOut;
    for (const fault of faults) log("warn", formatFault(fault), { zone: formatName(origin) });
    const grace = Date.now() + START_GRACE * 1000;
    const late = [...this.content.entries()].filter(({ expires }) => expires !== undefined && expires < grace);
    this.content.apply({ remove: [], add: late.map((entry) => ({ ...entry, expires: grace })) });
    this.noticeBase();
    this.current = makeZone(origin, this.content.records());
    this.shortenAt = JOURNAL_SLACK + this.difference().add.length;
    this.schedule(this.content.entries());
  }

  zone(): Zone {
    return this.current;
  }

  close(): void {
    clearTimeout(this.timer);
    this.journal.close();
  }

  /** Answers an UPDATE message. When the answer says NOERROR, the change is on the disk. */
  update({ message, key }: Request): Response {
    const { rcode, lease } = key === undefined ? { rcode: Rcode.REFUSED } : this.change(message, key);
    const answer = bareAnswer(message, rcode);
    if (lease === undefined) return { message: answer, rcode, type: undefined };
    answer.writeUInt16BE(1, 10);
    return { message: Buffer.concat([answer, leaseRecord(lease)]), rcode, type: undefined };
  }

  private change(message: Buffer, key: Name): Result {
    const update = readUpdate(message);
    if (typeof update === "number") return { rcode: update };
    if (update.zone !== this.origin) return { rcode: Rcode.NOTAUTH };
    const failed = checkPrerequisites(this.content, update.prerequisites);
    if (failed !== undefined) return { rcode: failed };
    const lease = update.lease === undefined ? undefined : Math.min(MAX_LEASE, Math.max(MIN_LEASE, update.lease));
    const { grants, delegationTtl } = this.settings;
    const find = this.content.finder();
    const isLastingItself = (record: Pick<ZoneRecord, "name" | "type" | "rdata">): boolean => {
      const found = find(record);
      return found !== undefined && found.expires === undefined;
    };
    const updates = update.updates.flatMap((asked) => {
      if (asked.class !== Class.IN || rightTo(grants, key, asked) !== "delegated") return asked;
      // what is there for ever is there
      return isLastingItself(asked) ? [] : { ...asked, ttl: delegationTtl ?? asked.ttl };
    });
    const until = (seconds: number): number => Date.now() + seconds * 1000;
    // nothing that is registered is for ever: that is the operator's
    const longest = (asked: UpdateRecord): number | undefined => (rightTo(grants, key, asked) === "delegated" ? until(MAX_LEASE) : undefined);
    // a zone cannot be without its SOA and name servers
    const isVital = ({ name, type }: UpdateRecord): boolean => foldName(name) === this.origin && (type === Type.SOA || type === Type.NS);
    const expiresOf = (asked: UpdateRecord): number | undefined => (isVital(asked) ? undefined : lease === undefined ? longest(asked) : until(lease));
    const change = planUpdates(this.content, this.origin, updates, expiresOf);
    // the TTL that another record of the same RRset takes on needs no grant: it follows from the record that was added
    const keyOf = (record: Pick<ZoneRecord, "name" | "type" | "rdata">): string => foldName(record.name) + dataKey(record);
    const asked = new Set(updates.map(keyOf));
    const added = change.add.filter(({ record }) => asked.has(keyOf(record)));
    const isAllowed = (record: ZoneRecord, isLasting: Surroundings["isLasting"]): boolean =>
      mayChange(grants, key, this.origin, record, { isLasting, hidden: (name) => this.hiddenBy(name) });
    const isShared = ({ name, type }: ZoneRecord): boolean => type === Type.NS && this.settings.shared?.has(foldName(name)) === true;
    const joinsLasting = (record: ZoneRecord): boolean => this.lasting(record).length > 0 && !isShared(record);
    if (!change.remove.every((record) => isAllowed(record, isLastingItself)) || !added.every(({ record }) => isAllowed(record, joinsLasting)))
      return { rcode: Rcode.REFUSED };
    try {
      this.commit(change);
    } catch (error) {
      // the disk is full or gone: nothing has changed
      log("error", "cannot write the journal, refusing updates", { zone: formatName(this.origin), error: (error as Error).message });
      return { rcode: Rcode.SERVFAIL };
    }
    return { rcode: Rcode.NOERROR, ...(lease === undefined ? {} : { lease }) };
  }

  /** The records without a lease that are in the RRset of a record. */
  private lasting({ name, type }: { name: Name; type: number }): ZoneRecord[] {
    return this.content.at(name).flatMap(({ record, expires }) => (record.type === type && expires === undefined ? record : []));
  }

  /** The records that nobody would be given any more if a name were delegated. */
  private hiddenBy(name: Name): ZoneRecord[] {
    const node = this.current.nodes.get(name);
    if (!node || node.rrsets.has(Type.NS)) return [];
    return [...this.content.records()].filter((record) => isSubdomain(foldName(record.name), name));
  }

  private commit(change: Change): void {
    if (change.remove.length + change.add.length === 0) return;
    const find = this.content.finder();
    const visible = change.remove.length > 0 || change.add.some(({ record }) => find(record)?.record.ttl !== record.ttl);
    const complete = visible ? withNextSerial(this.content, this.origin, change) : change;
    if (this.journal.isLost) {
      log("warn", "the journal was removed, writing it anew", { zone: formatName(this.origin), file: this.settings.journal });
      this.journal.replace([this.difference()]);
    }
    this.journal.append(this.settled(complete));
    this.content.apply(complete);
    for (const name of namesOf(complete)) this.leftOut.delete(name);
    this.shorten();
    this.schedule(change.add);
    if (!visible) return;
    const names = namesOf(complete);
    const recordsAt = (name: Name): ZoneRecord[] => this.content.at(name).map(({ record }) => record);
    this.current = changeZone(this.current, new Map(Array.from(names, (name) => [name, recordsAt(name)])));
    this.changed();
  }

  /** A change as the journal needs it: where something was left out it tells all of the name, or that would come back and clash with it. */
  private settled(change: Change): Change {
    const names = [...namesOf(change)].filter((name) => this.leftOut.has(name));
    if (names.length === 0) return change;
    const after = new Content();
    for (const name of names) after.apply({ remove: [], add: this.content.at(name) });
    after.apply(change);
    return {
      remove: [...names.flatMap((name) => this.leftOut.get(name)!), ...change.remove],
      add: [...change.add.filter(({ record }) => !names.includes(foldName(record.name))), ...names.flatMap((name) => after.at(name))],
    };
  }

  /** Writes the journal anew when it has become much longer than what it says. */
  private shorten(): void {
    if (this.journal.length < this.shortenAt) return;
    try {
      const difference = this.difference();
      this.journal.replace([difference]);
      this.shortenAt = JOURNAL_SLACK + difference.add.length;
    } catch (error) {
      // the long one is as good
      log("warn", "cannot shorten the journal", { zone: formatName(this.origin), error: (error as Error).message });
      this.shortenAt = this.journal.length + JOURNAL_SLACK;
    }
  }

  /** All changes in one: how the records differ from those of the master file. */
  private difference(): Change {
    const base = new Content(this.base);
    const [inBase, inContent] = [base.finder(), this.content.finder()];
    const isInBase = ({ record, expires }: LeasedRecord): boolean => {
      const known = inBase(record);
      return known?.record.ttl === record.ttl && known.expires === expires;
    };
    return {
      remove: [...base.records()].filter((record) => !inContent(record)),
      add: [...this.content.entries()].filter((entry) => !isInBase(entry)),
    };
  }

  /** Moves the serial on when the master file is another than the journal was made for: who has the zone already shall see that. */
  private noticeBase(): void {
    const lines = this.base.filter(({ type }) => type !== Type.SOA).map(formatRecord);
    const base = createHash("sha256").update(lines.toSorted().join("\n")).digest("base64");
    const known = this.journal.base;
    if (known === base) return;
    const nothing: Change = { remove: [], add: [] };
    const change = known === undefined ? nothing : nextSerial(this.content, this.origin);
    try {
      this.journal.append(change, base);
    } catch (error) {
      this.journal.close();
      throw new UserError(`cannot use the journal: ${(error as Error).message}`);
    }
    this.content.apply(change);
  }

  /** Sees to it that the leases of entries are looked at when they end. */
  private schedule(entries: Iterable<LeasedRecord>): void {
    let next = Infinity;
    for (const { expires } of entries) next = Math.min(next, expires ?? Infinity);
    if (next >= this.nextExpiry) return;
    this.nextExpiry = next;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.expire(), Math.min(MAX_TIMER_MS, Math.max(0, next - Date.now()))).unref();
  }

  /** Takes out the records whose lease has run out. */
  private expire(): void {
    const now = Date.now();
    const gone = [...this.content.entries()].filter(({ expires }) => expires !== undefined && expires <= now).map(({ record }) => record);
    this.nextExpiry = Infinity;
    try {
      this.commit({ remove: gone, add: [] });
    } catch (error) {
      // without a journal the records stay for now
      const zone = formatName(this.origin);
      log("error", "cannot write the journal, keeping what has expired", { zone, error: (error as Error).message });
      this.nextExpiry = now + RETRY_MS;
      this.timer = setTimeout(() => this.expire(), RETRY_MS).unref();
      return;
    }
    this.schedule(this.content.entries());
  }
}

const namesOf = ({ remove, add }: Change): Set<Name> =>
  new Set([...remove, ...add.map(({ record }) => record)].map(({ name }) => foldName(name)));
