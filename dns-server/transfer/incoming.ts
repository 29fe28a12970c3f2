import { Class, Flag, isMetaType, Rcode, rcodeName, Type, typeName, HEADER_LENGTH } from "../wire/constants.ts";
import { foldName, formatName, isSubdomain, type Name } from "../wire/name.ts";
import { isWellFormed } from "../wire/rdata.ts";
import { RecordCursor } from "../wire/records.ts";
import { isLater } from "../wire/serial.ts";
import { soaSerial } from "../wire/soa.ts";
import { checkRecords } from "../zone/check.ts";
import { serialOf, recordsOf } from "../zone/content.ts";
import { formatFault, type ZoneRecord } from "../zone/record.ts";
import { makeZone, type Zone } from "../zone/zone.ts";

/** Bounds of what is taken from a primary, so that none can fill the memory. */
const MAX_OCTETS = 64 << 20;
const MAX_RECORDS = 2_000_000;

/** The server answered, but not with what was asked for. */
export class RefusedError extends Error {}

type Phase = "first" | "second" | "whole" | "remove" | "add" | "done";

/**
 * Puts the answer to an AXFR or IXFR together (RFC 5936 section 2.2, RFC 1995 section 4). Believes nothing: what comes is checked record by
 * record and in the end as a zone.
 */
export class IncomingTransfer {
  private readonly origin: Name;
  private readonly current: Zone | undefined;
  private phase: Phase = "first";
  private soa: ZoneRecord | undefined;
  /** Serial that the sequence of changes has come to. */
  private reached = 0;
  private readonly records: ZoneRecord[] = [];
  private changed: Map<string, ZoneRecord> | undefined;
  private octets = 0;
  private count = 0;

  /** @param current what there is already; only a later version is taken */
  constructor(origin: Name, current: Zone | undefined) {
    this.origin = origin;
    this.current = current;
  }

  /** Whether the answer has come to its end. */
  get done(): boolean {
    return this.phase === "done";
  }

  /** Whether it gives changes rather than the whole zone. */
  get isIncremental(): boolean {
    return this.changed !== undefined;
  }

  /**
   * Takes the next message.
   * @param id of the request
   * @throws RefusedError for a refusal, Error for what is not a transfer of the zone
   */
  take(message: Buffer, id: number): void {
    this.octets += message.length;
    if (this.octets > MAX_OCTETS) throw new Error(`the zone is larger than ${MAX_OCTETS >> 20} MiB`);
    if (message.length < HEADER_LENGTH || message.readUInt16BE(0) !== id || (message.readUInt16BE(2) & 0xf800) !== Flag.QR)
      throw new Error("the answer is of another request");
    const rcode = message[3]! & 15;
    if (rcode !== Rcode.NOERROR) throw new RefusedError(`it said ${rcodeName(rcode)}`);
    if (message.readUInt16BE(2) & Flag.TC) throw new Error("the answer is truncated");
    const cursor = new RecordCursor(message);
    while (cursor.next() && cursor.section === "answer") {
      const record = readRecord(cursor);
      if (!record) throw new Error(MALFORMED);
      this.takeRecord(record);
    }
    // what follows the answer is nobody's concern
    if (cursor.isBroken && cursor.section === "answer") throw new Error(MALFORMED);
  }

  private takeRecord(record: ZoneRecord): void {
    const { name, type } = record;
    if (++this.count > MAX_RECORDS) throw new Error(`the zone has more than ${MAX_RECORDS} records`);
    if (!isSubdomain(foldName(name), this.origin)) throw new Error(`${formatName(name)} is out of the zone`);
    if (isMetaType(type) || !isWellFormed(type, record.rdata))
      throw new Error(`${formatName(name)} has ${typeName(type)} data that is malformed`);
    if (type === Type.SOA && foldName(name) !== this.origin) throw new Error(`there is a SOA at ${formatName(name)}`);
    const serial = type === Type.SOA ? soaSerial(record.rdata) : undefined;
    switch (this.phase) {
      case "first":
        if (serial === undefined) throw new Error("the answer does not begin with the SOA");
        this.soa = record;
        // nothing new: whatever else the answer has is of no use
        this.phase = this.current && !isLater(serial, serialOf(this.current)) ? "done" : "second";
        break;
      case "second":
        if (serial !== undefined && this.current && serial === serialOf(this.current)) this.beginChanges(this.current);
        else {
          this.phase = "whole";
          this.takeRecord(record);
        }
        break;
      case "whole":
        if (serial === undefined) this.records.push(record);
        else if (serial === this.serial) this.phase = "done";
        else throw new Error(`the SOA at the end has another serial (${serial}) than that at the beginning (${this.serial})`);
        break;
      case "remove":
        if (serial === undefined) this.remove(record);
        else {
          this.reached = serial;
          this.phase = "add";
        }
        break;
      case "add":
        if (serial === undefined) this.changed!.set(keyOf(record), record);
        else if (serial !== this.reached) throw new Error(`the changes go on from serial ${serial} after ${this.reached}`);
        else this.phase = serial === this.serial ? "done" : "remove";
        break;
      case "done":
        // where there is nothing new, the whole zone may follow its SOA all the same
        if (this.isNew) throw new Error("the answer goes on after its end");
    }
  }

  /** Serial of the version that the primary has, once its SOA has come. */
  get serial(): number {
    return soaSerial(this.soa!.rdata);
  }

  private get isNew(): boolean {
    return !this.current || isLater(this.serial, serialOf(this.current));
  }

  private beginChanges(current: Zone): void {
    this.changed = new Map();
    for (const record of recordsOf(current)) this.changed.set(keyOf(record), record);
    this.phase = "remove";
  }

  private remove(record: ZoneRecord): void {
    if (!this.changed!.delete(keyOf(record)))
      throw new Error(`the changes remove ${formatName(record.name)} ${typeName(record.type)}, which is not there`);
  }

  /**
   * The new zone, once `done`; undefined when there is nothing new.
   * @throws Error when it could not be served
   */
  zone(): Zone | undefined {
    if (!this.isNew) return undefined;
    const records = [this.soa!, ...(this.changed?.values() ?? this.records)];
    const fault = checkRecords(this.origin, records).find(({ severity }) => severity === "error");
    if (fault) throw new Error(formatFault(fault));
    return makeZone(this.origin, records);
  }
}

const MALFORMED = "the answer is malformed";

const keyOf = ({ name, type, rdata }: ZoneRecord): string => `${type} ${foldName(name)}${Buffer.from(rdata).toString("latin1")}`;

function readRecord(cursor: RecordCursor): ZoneRecord | undefined {
  const { type, ttl } = cursor;
  const [name, rdata] = [cursor.owner(), cursor.rdata()];
  if (name === undefined || !rdata || cursor.class !== Class.IN) return undefined;
  // a TTL of more than 31 bits counts as zero (RFC 2181 section 8)
  return { name, type, ttl: ttl > 0x7fffffff ? 0 : ttl, rdata };
}
