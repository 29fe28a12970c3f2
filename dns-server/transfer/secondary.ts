import { Backoff } from "../runtime/backoff.ts";
import { log } from "../runtime/log.ts";
import { unexpected } from "../runtime/unexpected.ts";
import type { Request } from "../view/exchange.ts";
import { parseAddress } from "../wire/address.ts";
import { Type } from "../wire/constants.ts";
import { formatEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { formatName } from "../wire/name.ts";
import { isWellFormed } from "../wire/rdata.ts";
import { RecordCursor } from "../wire/records.ts";
import { isLater } from "../wire/serial.ts";
import { soaSerial, soaTimers } from "../wire/soa.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { SIGNED } from "../zone/check.ts";
import { soaOf, serialOf } from "../zone/content.ts";
import type { Zone } from "../zone/zone.ts";
import type { TransferCounts } from "./counts.ts";
import { readSavedZone, saveZone, touchZone } from "./file.ts";
import { fetchZone } from "./primary.ts";
import type { SecondaryZoneSettings } from "./settings.ts";

/** The timers of a SOA are kept within these bounds, milliseconds: no primary is asked all the time, none is forgotten. */
const MIN_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 7 * 86_400_000;
/** Without any version the primaries are asked again after so long, at first and at most. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** A zone that was fetched since somebody said so. */
export interface Forced {
  readonly zone: string;
  readonly serial: number;
  readonly primary: string;
}

/** REFRESH, RETRY and EXPIRE of a zone, milliseconds (RFC 1035 section 3.3.13). */
function timersOf(zone: Zone): { refresh: number; retry: number; expire: number } {
  const { refresh, retry, expire } = soaTimers(soaOf(zone).rdata);
  const bounded = (seconds: number): number => Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, 1000 * seconds));
  return { refresh: bounded(refresh), retry: bounded(retry), expire: 1000 * expire };
}

/**
 * A zone that follows its primaries (RFC 1034 section 4.3.5): fetched when it is new, when NOTIFY says so, and when REFRESH is over. What
 * cannot be fetched, or is no usable zone, leaves the last version in place until its EXPIRE is over.
 */
export class SecondaryZone {
  readonly settings: SecondaryZoneSettings;
  private readonly key: TsigKey | undefined;
  private readonly changed: () => void;
  private readonly counts: TransferCounts;
  private current: Zone | undefined;
  private expired = false;
  /** When the zone was last known to be current, milliseconds since 1970. */
  private currentAt = 0;
  private lostAt: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private expiry: NodeJS.Timeout | undefined;
  private readonly backoff = new Backoff(FIRST_RETRY_MS, LAST_RETRY_MS);
  private running = false;
  private again = false;
  /** Whether a NOTIFY said that some primary has a later version. */
  private isTold = false;
  private startedAt = 0;
  /** Who waits for the whole zone, whatever its serial. */
  private waiting: PromiseWithResolvers<Forced>[] = [];
  private isBehind = false;
  private readonly stopping = new AbortController();
  private lastError = "";
  private saving: Promise<void> = Promise.resolve();

  /** @param changed called when there is another zone to answer from, or none any more */
  constructor(settings: SecondaryZoneSettings, key: TsigKey | undefined, counts: TransferCounts, changed: () => void) {
    this.settings = settings;
    this.key = key;
    this.counts = counts;
    this.changed = changed;
  }

  /** Starts with what is there: an earlier version in memory, or that of the file. */
  async start(earlier: SecondaryZone | undefined): Promise<void> {
    const { file, origin } = this.settings;
    if (earlier?.current) this.take(earlier.current, earlier.currentAt);
    else if (file !== undefined) {
      try {
        const saved = await readSavedZone(file, origin);
        if (saved) this.take(saved.zone, Math.min(Date.now(), saved.savedAt));
      } catch (error) {
        log("warn", "the saved zone cannot be used, it will be fetched", { error: (error as Error).message });
      }
    }
    this.refresh();
  }

  /** What to answer from; undefined before the first version, and when the last one has expired. */
  zone(): Zone | undefined {
    return this.expired ? undefined : this.current;
  }

  /** Seconds since no primary could be reached or had a usable zone; 0 while one does. */
  ageSeconds(): number {
    return this.lostAt === undefined ? 0 : (Date.now() - this.lostAt) / 1000;
  }

  /** Whether a NOTIFY is from somebody whose word counts: a primary, or the holder of the key. */
  believes({ key, client }: Request): boolean {
    return (
      (key !== undefined && key === this.key?.name) ||
      this.settings.primaries.some(({ address }) => Buffer.compare(parseAddress(address), client) === 0)
    );
  }

  /** Looks whether there is a new version, unless the NOTIFY is about the one that is there. */
  notify(message: Buffer): void {
    const serial = notifiedSerial(message);
    if (serial !== undefined && this.current && !this.expired && !isLater(serial, serialOf(this.current))) return;
    this.isTold = true;
    if (this.running) this.again = true;
    else {
      clearTimeout(this.timer);
      // whoever can forge a primary's address makes no transfers follow each other
      this.timer = setTimeout(() => this.refresh(), Math.max(0, this.startedAt + MIN_INTERVAL_MS - Date.now())).unref();
    }
  }

  /** Whether the primary has an earlier version than there is here. */
  get isPrimaryBehind(): boolean {
    return this.isBehind;
  }

  /** Fetches the whole zone now, and takes it whatever its serial. @throws Error when no primary gives it */
  force(): Promise<Forced> {
    const waiter = Promise.withResolvers<Forced>();
    this.waiting.push(waiter);
    this.refresh();
    return waiter.promise;
  }

  /** Stops, once what is being saved is saved. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.expiry);
    this.stopping.abort();
    for (const { reject } of this.waiting.splice(0)) reject(new Error("the server stops, or has another configuration"));
    await this.saving;
  }

  private refresh(): void {
    clearTimeout(this.timer);
    if (this.running) this.again = true;
    else this.run().catch((error: unknown) => unexpected("transfer", error));
  }

  private async run(): Promise<void> {
    this.running = true;
    this.again = false;
    this.startedAt = Date.now();
    let delay: number;
    try {
      delay = (await this.fetch(this.waiting.splice(0))) ? timersOf(this.current!).refresh : this.retryDelay();
    } catch (error) {
      unexpected("transfer", error);
      delay = this.retryDelay();
    }
    this.running = false;
    if (this.stopping.signal.aborted) return;
    // a primary that notifies all the time is not asked all the time
    this.timer = setTimeout(() => this.refresh(), this.again ? MIN_INTERVAL_MS : delay * (0.9 + 0.1 * Math.random())).unref();
  }

  private retryDelay(): number {
    const waiting = this.backoff.next();
    return this.current ? Math.min(timersOf(this.current).retry, Math.max(waiting, MIN_INTERVAL_MS)) : waiting;
  }

  /**
   * Asks one primary after the other: until one gives the zone or has what is there; all, where a later version is known of or one is behind.
   * @param forcing who wants the whole zone
   * @returns whether one of them had a usable zone
   */
  private async fetch(forcing: readonly PromiseWithResolvers<Forced>[]): Promise<boolean> {
    const { origin, primaries } = this.settings;
    const errors: string[] = [];
    const stopped = (): boolean => {
      if (this.stopping.signal.aborted) for (const { reject } of forcing) reject(new Error("the server stops, or has another configuration"));
      return this.stopping.signal.aborted;
    };
    const { isTold } = this;
    this.isTold = false;
    let isReached = false;
    let behind: { serial: number; primary: Endpoint } | undefined;
    for (const primary of primaries) {
      try {
        // one that has expired is nobody's any more: whatever a primary has comes in its place
        const known = forcing.length > 0 || this.expired ? undefined : this.current;
        const { kind, zone, earlier } = await fetchZone(primary, origin, known, this.key, this.stopping.signal);
        if (stopped()) return false;
        if (zone) this.counts.transfer("in", kind, "done");
        this.fetched(zone, primary);
        isReached = true;
        const got: Forced = { zone: formatName(origin), serial: serialOf(this.current!), primary: formatEndpoint(primary) };
        for (const { resolve } of forcing) resolve(got);
        if (earlier !== undefined) behind ??= { serial: earlier, primary };
        if (zone || (earlier === undefined && !isTold)) break;
      } catch (error) {
        if (stopped()) return false;
        this.counts.transfer("in", this.current ? "ixfr" : "axfr", "failed");
        errors.push(`${formatEndpoint(primary)}: ${(error as Error).message}`);
      }
    }
    if (isReached) this.compare(behind);
    else this.lostAt ??= Date.now();
    const error = errors.join("; ");
    const failure = this.current ? "cannot refresh the zone, keeping the last version" : "cannot fetch the zone, trying again";
    if (error !== this.lastError && error !== "")
      log("warn", isReached ? "not every primary gives the zone" : failure, { zone: formatName(origin), error });
    this.lastError = error;
    if (!isReached) for (const { reject } of forcing) reject(new Error(error));
    return isReached;
  }

  /** A primary whose serial has gone back, to an older file perhaps, is not followed: that must not go unseen. */
  private compare(behind: { serial: number; primary: Endpoint } | undefined): void {
    if (behind && !this.isBehind)
      log("warn", "the primary has an earlier version of the zone, which is not taken: raise its serial, or say `peakdns transfer ZONE`", {
        zone: formatName(this.settings.origin),
        primary: formatEndpoint(behind.primary),
        serial: serialOf(this.current!),
        primarySerial: behind.serial,
      });
    this.isBehind = behind !== undefined;
  }

  private fetched(zone: Zone | undefined, primary: Endpoint): void {
    const { origin, file } = this.settings;
    this.backoff.reset();
    this.lostAt = undefined;
    const latest = zone ?? this.current!;
    const wasExpired = this.expired;
    if (isSigned(latest) && !(this.current && isSigned(this.current))) log("warn", SIGNED, { zone: formatName(origin) });
    this.take(latest, Date.now());
    if (zone) log("info", "the zone has changed", { zone: formatName(origin), serial: serialOf(zone), primary: formatEndpoint(primary) });
    if (zone || wasExpired) this.changed();
    if (file !== undefined) this.save(file, zone);
  }

  private take(zone: Zone, currentAt: number): void {
    this.current = zone;
    this.currentAt = currentAt;
    clearTimeout(this.expiry);
    const left = currentAt + timersOf(zone).expire - Date.now();
    this.expired = left <= 0;
    if (!this.expired) this.expiry = setTimeout(() => this.expire(), Math.min(left, 0x7fffffff)).unref();
  }

  private expire(): void {
    this.take(this.current!, this.currentAt);
    if (!this.expired) return;
    log("error", "the zone has expired: no primary could be reached for too long", { zone: formatName(this.settings.origin) });
    this.changed();
  }

  /** One after another. What cannot be saved is served all the same. */
  private save(file: string, zone: Zone | undefined): void {
    this.saving = this.saving
      .then(() => (zone ? saveZone(file, zone) : touchZone(file)))
      .catch((error: unknown) => log("error", "cannot save the zone", { file, error: (error as Error).message }));
  }
}

const isSigned = (zone: Zone): boolean => zone.nodes.get(zone.origin)!.rrsets.has(Type.RRSIG);

/** The serial in the SOA record that a NOTIFY may carry: a hint only (RFC 1996 section 3.7). */
function notifiedSerial(message: Buffer): number | undefined {
  const cursor = new RecordCursor(message);
  const rdata = cursor.next() && cursor.section === "answer" && cursor.type === Type.SOA ? cursor.rdata() : undefined;
  return rdata && isWellFormed(Type.SOA, rdata) ? soaSerial(rdata) : undefined;
}
