import { unexpected } from "../runtime/unexpected.ts";
import { Rcode, HEADER_LENGTH } from "../wire/constants.ts";
import type { Identity } from "../wire/edns.ts";
import { bareAnswer } from "../wire/message.ts";
import { parentName, ROOT, type Name } from "../wire/name.ts";
import type { Protocol, Response } from "./exchange.ts";
import { FastResponder, GENERAL } from "./fast.ts";
import { GeneralResponder, type Services } from "./general.ts";
import type { AnswerTable } from "./layout.ts";
import { Release } from "./release.ts";
import { Responder } from "./responder.ts";
import { ZoneTable } from "./table.ts";
import { isInCloserZone, type View } from "./view.ts";

/** What other threads need to answer as this one does. */
export interface TableListener {
  /** The zone has a new table, or none any more. */
  setZone(origin: Name, table: AnswerTable | undefined): void;
  setLoading(loading: boolean): void;
}

const MAX_MESSAGE = 0xffff;
/** Octets of replaced tables that may wait for the next collection of garbage, which takes a moment where the heap is large. */
const MAX_REPLACED = 256 << 20;

/** Answers from a view: by its tables where they can, by the general path else. */
export class Answerer {
  private readonly general: GeneralResponder;
  private readonly fast: FastResponder;
  private readonly scratch = Buffer.alloc(MAX_MESSAGE);
  private readonly listeners: Set<TableListener>;
  private readonly tables = new Map<Name, ZoneTable>();
  private readonly release = new Release(MAX_REPLACED);
  private view: View = { zones: new Map(), loading: [] };

  constructor(identity: Identity) {
    this.general = new GeneralResponder(new Responder(identity));
    this.fast = new FastResponder(identity);
    this.listeners = new Set([this.fast]);
  }

  /** Sets what is done besides answering from the view. */
  setServices(services: Services): void {
    this.general.setServices(services);
  }

  /** Swaps the view, at the cost of what is different. */
  setView(view: View): void {
    const old = this.view;
    this.view = view;
    for (const [origin, zone] of view.zones) {
      const signed = view.signers?.has(origin) ?? false;
      const isAsSigned = (old.signers?.has(origin) ?? false) === signed;
      if (old.zones.get(origin) === zone && isAsSigned) continue;
      let table = this.tables.get(origin);
      const replaced = table?.block.byteLength ?? 0;
      // who reads the block of a table that has changed in its place sees the change
      if (table && isAsSigned && !table.change(zone)) continue;
      if (!table || !isAsSigned) {
        table = new ZoneTable(zone, signed, (name) => isInCloserZone(this.view.zones, name, origin));
        this.tables.set(origin, table);
      }
      this.tell(origin, table.block, replaced);
    }
    for (const origin of old.zones.keys()) {
      if (view.zones.has(origin)) continue;
      const replaced = this.tables.get(origin)!.block.byteLength;
      this.tables.delete(origin);
      this.tell(origin, undefined, replaced);
    }
    for (const origin of closestAbove(view, old)) {
      const table = this.tables.get(origin)!;
      const replaced = table.block.byteLength;
      if (table.rebound()) this.tell(origin, table.block, replaced);
    }
    for (const listener of this.listeners) listener.setLoading(view.loading.length > 0);
  }

  /** @param replaced octets of the block that this one takes the place of */
  private tell(origin: Name, block: AnswerTable | undefined, replaced: number): void {
    for (const listener of this.listeners) listener.setZone(origin, block);
    this.release.drop(replaced);
  }

  /** Tells a listener all tables, and from then on every change. @returns what ends that */
  listen(listener: TableListener): () => void {
    for (const [origin, { block }] of this.tables) listener.setZone(origin, block);
    listener.setLoading(this.view.loading.length > 0);
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * @param client octets of the asker's address
   * @returns undefined for what must not be answered at all
   */
  respond(message: Uint8Array, protocol: Protocol, client: Uint8Array): Response | undefined {
    try {
      return this.respondFast(message, protocol, client);
    } catch (error) {
      return failed(message, error);
    }
  }

  private respondFast(message: Uint8Array, protocol: Protocol, client: Uint8Array): Response | undefined {
    const { fast, scratch } = this;
    fast.setTime(Math.floor(Date.now() / 1000));
    const length = fast.answer(message, 0, message.length, scratch, 0, protocol === "udp" ? 0 : MAX_MESSAGE, client, 0, client.length);
    if (length === GENERAL) return this.respondGenerally(message, protocol, client);
    return { message: Buffer.from(scratch.subarray(0, length)), rcode: fast.rcode, type: fast.type };
  }

  /** The same for a message that the tables did not answer. */
  respondGenerally(message: Uint8Array, protocol: Protocol, client: Uint8Array): Response | undefined {
    try {
      return this.general.respond(this.view, message, protocol, client);
    } catch (error) {
      return failed(message, error);
    }
  }
}

/** What nobody foresaw is one question's trouble: SERVFAIL. */
function failed(octets: Uint8Array, error: unknown): Response | undefined {
  unexpected("answer", error);
  if (octets.length < HEADER_LENGTH) return undefined;
  const message = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  return { message: bareAnswer(message, Rcode.SERVFAIL), rcode: Rcode.SERVFAIL, type: undefined };
}

/** Zones below which others have come or gone. */
function closestAbove(view: View, old: View): Set<Name> {
  const above = new Set<Name>();
  for (const [a, b] of [
    [view.zones, old.zones],
    [old.zones, view.zones],
  ] as const) {
    for (const origin of a.keys()) {
      if (b.has(origin)) continue;
      for (let at = origin; at !== ROOT;) {
        at = parentName(at);
        if (!view.zones.has(at)) continue;
        if (old.zones.has(at)) above.add(at);
        break;
      }
    }
  }
  return above;
}
