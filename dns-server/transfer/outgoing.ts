import { log } from "../runtime/log.ts";
import type { Request, Response } from "../view/exchange.ts";
import type { View } from "../view/view.ts";
import { isInPrefix } from "../wire/address.ts";
import { Flag, Rcode, Type } from "../wire/constants.ts";
import { MAX_UDP_PAYLOAD, optRecord, PLAIN_UDP_PAYLOAD, type Identity } from "../wire/edns.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { bareAnswer } from "../wire/message.ts";
import { foldName, formatName, type Name } from "../wire/name.ts";
import { readQuery, type Query, type Question } from "../wire/query.ts";
import { isWellFormed } from "../wire/rdata.ts";
import { RecordCursor } from "../wire/records.ts";
import { isLater } from "../wire/serial.ts";
import { soaSerial } from "../wire/soa.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { soaOf, serialOf } from "../zone/content.ts";
import type { ZoneRecord } from "../zone/record.ts";
import type { Zone } from "../zone/zone.ts";
import type { TransferCounts } from "./counts.ts";
import { History } from "./history.ts";
import { changes, encodeMessages, wholeZone } from "./messages.ts";
import { Notifier } from "./notifier.ts";
import type { TransferSettings } from "./settings.ts";

/** A zone that others may have. */
interface Offer {
  readonly settings: TransferSettings;
  readonly history: History;
  readonly notifiers: readonly Notifier[];
  /** The last version that there was: a zone may expire and come back. */
  last: Zone | undefined;
}

/** Zones by origin, and to whom they are given. */
export type Offers = ReadonlyMap<Name, TransferSettings>;

/** Gives zones to other servers: AXFR (RFC 5936), IXFR (RFC 1995), NOTIFY (RFC 1996). */
export class OutgoingTransfers {
  private readonly identity: Identity;
  private readonly listen: readonly Endpoint[];
  private readonly counts: TransferCounts;
  private offers: ReadonlyMap<Name, Offer> = new Map();
  private view: View = { zones: new Map(), loading: [] };

  /** @param listen own addresses: NOTIFY is sent from one of the receiver's family, unless that stands for all */
  constructor(identity: Identity, listen: readonly Endpoint[], counts: TransferCounts) {
    this.identity = identity;
    this.listen = listen;
    this.counts = counts;
  }

  /** Sets to whom zones are given; what is known of their changes stays. */
  configure(offers: Offers, keys: ReadonlyMap<Name, TsigKey>): void {
    const old = this.offers;
    this.stop();
    this.offers = new Map(
      Array.from(offers, ([origin, settings]) => {
        const notifiers = settings.notify.map(
          (target) =>
            new Notifier(target.server, "key" in target ? keys.get(target.key) : undefined, this.sourceFor(target.server), this.counts),
        );
        const { history, last } = old.get(origin) ?? { history: new History(), last: this.view.zones.get(origin) };
        return [origin, { settings, notifiers, history, last }];
      }),
    );
  }

  /** Compares a new view with the last, and tells those who want to know. */
  setView(view: View): void {
    for (const [origin, offer] of this.offers) {
      const { history, notifiers, last: before } = offer;
      const after = view.zones.get(origin);
      if (!after || before === after) continue;
      offer.last = after;
      const change = before ? history.add(before, after) : "later";
      if (change === "hidden")
        log("warn", "the zone has changed but its SOA serial has not moved forward: secondaries will not see it", {
          zone: formatName(origin),
          serial: serialOf(after),
        });
      if (change === "later") for (const notifier of notifiers) notifier.notify(after);
    }
    this.view = view;
  }

  stop(): void {
    for (const { notifiers } of this.offers.values()) for (const notifier of notifiers) notifier.stop();
  }

  /** Serials of the zones that are given to others. */
  *serials(): Generator<readonly [Name, number]> {
    for (const origin of this.offers.keys()) {
      const zone = this.view.zones.get(origin);
      if (zone) yield [origin, serialOf(zone)];
    }
  }

  /** Answers AXFR and IXFR. @returns undefined when that is refused */
  respond(request: Request, question: Question): Response | undefined {
    const origin = foldName(question.name);
    const offer = this.offers.get(origin);
    const kind = question.type === Type.AXFR ? "axfr" : "ixfr";
    const isDatagram = request.protocol === "udp";
    const isStream = request.protocol === "tcp" || request.protocol === "tls";
    if (!offer || !isAllowed(offer.settings, request) || (!isStream && !(isDatagram && kind === "ixfr"))) {
      this.counts.transfer("out", kind, "refused");
      return undefined;
    }
    const zone = this.view.zones.get(origin);
    if (!zone) return failure(request, question, Rcode.SERVFAIL);
    if (kind === "axfr") return this.stream(request, question, kind, wholeZone(zone));
    const serial = readSerial(request.message, question, origin);
    if (serial === undefined) return failure(request, question, Rcode.FORMERR);
    const isCurrent = !isLater(serialOf(zone), serial);
    const records = isCurrent ? [soaOf(zone)] : (this.changesSince(zone, offer.history, serial) ?? wholeZone(zone));
    return isDatagram ? this.datagram(request, question, zone, records) : this.stream(request, question, kind, records);
  }

  /** What does not fit into a datagram is asked for again over TCP: that is what the SOA alone tells (RFC 1995 section 2). */
  private datagram(request: Request, question: Question, zone: Zone, records: Iterable<ZoneRecord>): Response {
    for (const candidate of [records, [soaOf(zone)]]) {
      const message = onlyMessage(this.encode(request, question, candidate));
      if (message) {
        this.counts.transfer("out", "ixfr", "done");
        return { message, rcode: Rcode.NOERROR, type: question.type };
      }
    }
    return { message: bareAnswer(request.message, Rcode.NOERROR, Flag.AA | Flag.TC), rcode: Rcode.NOERROR, type: question.type };
  }

  /** The changes since a version; undefined when they are not known, or are more than the zone itself. */
  private changesSince(zone: Zone, history: History, serial: number): Iterable<ZoneRecord> | undefined {
    const differences = history.since(serial, serialOf(zone));
    if (!differences) return undefined;
    const size = differences.reduce((sum, { added, removed }) => sum + added.length + removed.length + 2, 0);
    return size > 2 * zone.nodes.size + 2 ? undefined : changes(zone, differences);
  }

  private stream(request: Request, question: Question, kind: "axfr" | "ixfr", records: Iterable<ZoneRecord>): Response {
    const messages = this.encode(request, question, records);
    const first = messages.next();
    if (first.done) throw new Error("an answer has at least one message");
    return { message: first.value, rcode: Rcode.NOERROR, type: question.type, more: this.counted(messages, kind) };
  }

  private encode({ message, client, protocol, reserved }: Request, question: Question, records: Iterable<ZoneRecord>): Generator<Buffer> {
    const { query } = readQuery(message) as { query: Query };
    const opt = query.edns && optRecord(query.edns, this.identity, client, Rcode.NOERROR, undefined);
    const udpLimit = query.edns ? Math.min(query.edns.payloadSize, MAX_UDP_PAYLOAD) : PLAIN_UDP_PAYLOAD;
    const envelope = { id: query.id, flags: query.flags, question, opt, reserved };
    return encodeMessages(records, envelope, protocol === "udp" ? udpLimit : undefined);
  }

  private *counted(messages: Iterable<Buffer>, kind: "axfr" | "ixfr"): Generator<Buffer> {
    let result: "done" | "cut" = "cut";
    try {
      yield* messages;
      result = "done";
    } finally {
      this.counts.transfer("out", kind, result);
    }
  }

  private sourceFor(server: Endpoint): string | undefined {
    const isIpv6 = server.address.includes(":");
    const own = this.listen.find(({ address }) => address.includes(":") === isIpv6)?.address;
    return own === "::" || own === "0.0.0.0" ? undefined : own;
  }
}

/** Whoever signs with a key that is granted, or asks from a prefix that is. */
const isAllowed = ({ keys, prefixes }: TransferSettings, { key, client }: Request): boolean =>
  (key !== undefined && keys.includes(key)) || prefixes.some((prefix) => isInPrefix(client, prefix));

/** The message, if there is no more than one. */
function onlyMessage(messages: Iterable<Buffer>): Buffer | undefined {
  try {
    const [message, second] = messages;
    return second ? undefined : message;
  } catch {
    // a single record is too large already
    return undefined;
  }
}

/** The serial that the asker of an IXFR has: of the SOA record in the authority section (RFC 1995 section 3). */
function readSerial(message: Buffer, question: Question, origin: Name): number | undefined {
  if (message.readUInt16BE(6) !== 0 || message.readUInt16BE(8) !== 1) return undefined;
  const cursor = new RecordCursor(message, question.end);
  const owner = cursor.next() && cursor.type === Type.SOA ? cursor.owner() : undefined;
  const rdata = owner !== undefined && foldName(owner) === origin ? cursor.rdata() : undefined;
  return rdata && isWellFormed(Type.SOA, rdata) ? soaSerial(rdata) : undefined;
}

const failure = ({ message }: Request, { type }: Question, rcode: number): Response => ({
  message: bareAnswer(message, rcode),
  rcode,
  type,
});
