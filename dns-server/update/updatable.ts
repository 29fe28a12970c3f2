import { Flag, Opcode, Rcode, Type } from "../wire/constants.ts";
import { readName, type Name } from "../wire/name.ts";
import { leaseRecord } from "../wire/edns.ts";
import { HEADER_LENGTH } from "../wire/query.ts";
import { readTsig, signAnswer, TsigError, verifyTsig, type TsigKey } from "../wire/tsig.ts";
import type { ZoneRecord } from "../zone/record.ts";
import { makeZone, type Zone } from "../zone/zone.ts";
import {
  checkPrerequisites,
  Content,
  isLater,
  planUpdates,
  sameData,
  serialOf,
  withNextSerial,
  type Change,
  type Entry,
} from "./content.ts";
import { mayChange, type Grant } from "./grants.ts";
import { Journal } from "./journal.ts";
import { readUpdate } from "./message.ts";

export interface UpdateSettings {
  readonly keys: ReadonlyMap<Name, TsigKey>;
  readonly grants: readonly Grant[];
  /** File of the journal. */
  readonly journal: string;
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
/** Lines of the journal, beyond those that the records need, at which it is written anew. */
const JOURNAL_SLACK = 1000;
/** Longest timer that Node knows. */
const MAX_TIMER_MS = 0x7fffffff;

/** A zone that DNS UPDATE changes (RFC 2136, 8945, 9664): its records are those of its master file and what the journal did to them. */
export class UpdatableZone {
  private readonly origin: Name;
  private readonly settings: UpdateSettings;
  private readonly base: readonly ZoneRecord[];
  private readonly content: Content;
  private readonly journal: Journal;
  private readonly changed: () => void;
  private current: Zone;
  private timer: NodeJS.Timeout | undefined;

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
    this.content = new Content(base);
    const { journal, changes } = Journal.open(settings.journal);
    this.journal = journal;
    for (const change of changes) this.content.apply(change);
    this.keepLatestSoa();
    const grace = Date.now() + START_GRACE * 1000;
    const late = [...this.content.entries()].filter(({ expires }) => expires !== undefined && expires < grace);
    this.content.apply({ remove: [], add: late.map((entry) => ({ ...entry, expires: grace })) });
    this.current = makeZone(origin, this.content.records());
    this.schedule();
  }

  zone(): Zone {
    return this.current;
  }

  close(): void {
    clearTimeout(this.timer);
    this.journal.close();
  }

  /** Answers an UPDATE message. When the answer says NOERROR, the change is on the disk. */
  handle(message: Buffer): { message: Buffer; rcode: number } {
    const now = Math.floor(Date.now() / 1000);
    const zone = message.readUInt16BE(4) === 1 ? readName(message, HEADER_LENGTH) : undefined;
    const start = zone === undefined ? 0 : zone.end + 4;
    const tsig = zone === undefined || start > message.length ? "malformed" : readTsig(message, start);
    if (tsig === "malformed") return { message: respond(message, start, Rcode.FORMERR), rcode: Rcode.FORMERR };
    if (tsig === undefined) return { message: respond(message, start, Rcode.REFUSED), rcode: Rcode.REFUSED };
    const verified = verifyTsig(message, tsig, this.settings.keys, now);
    const result: Result = verified.error === TsigError.NONE ? this.update(message, verified.keyName) : { rcode: Rcode.NOTAUTH };
    return { message: signAnswer(respond(message, start, result.rcode, result.lease), verified, now), rcode: result.rcode };
  }

  private update(message: Buffer, key: Name): Result {
    const update = readUpdate(message);
    if (typeof update === "number") return { rcode: update };
    if (update.zone !== this.origin) return { rcode: Rcode.NOTAUTH };
    const failed = checkPrerequisites(this.content, update.prerequisites);
    if (failed !== undefined) return { rcode: failed };
    const lease = update.lease === undefined ? undefined : Math.min(MAX_LEASE, Math.max(MIN_LEASE, update.lease));
    const change = planUpdates(this.content, this.origin, update.updates, lease === undefined ? undefined : Date.now() + lease * 1000);
    const records = [...change.remove, ...change.add.map(({ record }) => record)];
    if (!records.every((record) => mayChange(this.settings.grants, key, this.origin, record))) return { rcode: Rcode.REFUSED };
    try {
      this.commit(change);
    } catch {
      // the disk is full or gone: nothing has changed
      return { rcode: Rcode.SERVFAIL };
    }
    return { rcode: Rcode.NOERROR, ...(lease === undefined ? {} : { lease }) };
  }

  private commit(change: Change): void {
    if (change.remove.length + change.add.length === 0) return;
    const visible = change.remove.length > 0 || change.add.some((entry) => !this.isThere(entry));
    const complete = visible ? withNextSerial(this.content, this.origin, change) : change;
    this.journal.append(complete);
    this.content.apply(complete);
    if (this.journal.length > JOURNAL_SLACK + 2 * this.difference().add.length) this.journal.replace([this.difference()]);
    this.schedule();
    if (!visible) return;
    this.current = makeZone(this.origin, this.content.records());
    this.changed();
  }

  private isThere({ record }: Entry): boolean {
    return this.content.at(record.name).some((entry) => entry.record.ttl === record.ttl && sameData(entry.record, record));
  }

  /** All changes in one: how the records differ from those of the master file. */
  private difference(): Change {
    const base = new Content(this.base);
    const isIn = (content: Content, { record, expires }: Entry): boolean =>
      content
        .at(record.name)
        .some((entry) => entry.record.ttl === record.ttl && entry.expires === expires && sameData(entry.record, record));
    return {
      remove: [...base.records()].filter((record) => !this.content.at(record.name).some((entry) => sameData(entry.record, record))),
      add: [...this.content.entries()].filter((entry) => !isIn(base, entry)),
    };
  }

  /** The master file may have another SOA than when the journal was written: the later serial counts. */
  private keepLatestSoa(): void {
    const soas = this.content
      .at(this.origin)
      .map(({ record }) => record)
      .filter(({ type }) => type === Type.SOA);
    const latest = soas.reduce((a, b) => (isLater(serialOf(b), serialOf(a)) ? b : a));
    this.content.apply({ remove: soas.filter((soa) => soa !== latest), add: [] });
  }

  private schedule(): void {
    clearTimeout(this.timer);
    let next = Infinity;
    for (const { expires } of this.content.entries()) next = Math.min(next, expires ?? Infinity);
    if (next === Infinity) return;
    this.timer = setTimeout(() => this.expire(), Math.min(MAX_TIMER_MS, Math.max(0, next - Date.now()))).unref();
  }

  /** Takes out the records whose lease has run out. */
  private expire(): void {
    const now = Date.now();
    const gone = [...this.content.entries()].filter(({ expires }) => expires !== undefined && expires <= now).map(({ record }) => record);
    try {
      this.commit({ remove: gone, add: [] });
    } catch {
      // without a journal the records stay for now; the next turn tries again
      this.timer = setTimeout(() => this.expire(), 1000).unref();
      return;
    }
    this.schedule();
  }
}

/** An answer to an UPDATE message: its header and zone section, and the lease that was granted. */
function respond(request: Buffer, start: number, rcode: number, lease?: number): Buffer {
  const withZone = start > 0 && start <= request.length;
  const answer = Buffer.from(request.subarray(0, withZone ? start : HEADER_LENGTH));
  answer.writeUInt16BE(Flag.QR | (Opcode.UPDATE << 11) | rcode, 2);
  answer.fill(0, 4, HEADER_LENGTH);
  answer.writeUInt16BE(withZone ? 1 : 0, 4);
  if (lease === undefined) return answer;
  answer.writeUInt16BE(1, 10);
  return Buffer.concat([answer, leaseRecord(lease)]);
}
