import { log } from "../log.ts";
import { formatEndpoint, type Endpoint } from "../transport/transport.ts";
import type { Request } from "../view/general.ts";
import { parseAddress } from "../wire/address.ts";
import { Type } from "../wire/constants.ts";
import { endOfQuestions } from "../wire/message.ts";
import { formatName, readName } from "../wire/name.ts";
import { isLater } from "../wire/serial.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { SIGNED } from "../zone/check.ts";
import type { Zone } from "../zone/zone.ts";
import type { TransferCounts } from "./counts.ts";
import { serialOf, soaOf } from "./difference.ts";
import { readSavedZone, saveZone, touchZone } from "./file.ts";
import { fetchZone } from "./primary.ts";
import type { SecondaryZoneSettings } from "./settings.ts";

/** The timers of a SOA are kept within these bounds, milliseconds: no primary is asked all the time, none is forgotten. */
const MIN_INTERVAL_MS = 1000;
const MAX_INTERVAL_MS = 7 * 86_400_000;
/** Without any version the primaries are asked again after so long, at first and at most. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** REFRESH, RETRY and EXPIRE of a zone, milliseconds (RFC 1035 section 3.3.13). */
function timersOf(zone: Zone): { refresh: number; retry: number; expire: number } {
  const { rdata } = soaOf(zone);
  const seconds = (fromEnd: number): number =>
    1000 * new DataView(rdata.buffer, rdata.byteOffset, rdata.byteLength).getUint32(rdata.byteLength - fromEnd);
  const bounded = (time: number): number => Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, time));
  return { refresh: bounded(seconds(16)), retry: bounded(seconds(12)), expire: seconds(8) };
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
  private failures = 0;
  private running = false;
  private again = false;
  private readonly stopping = new AbortController();
  private lastError: string | undefined;
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
    this.refresh();
  }

  /** Stops, once what is being saved is saved. */
  async stop(): Promise<void> {
    clearTimeout(this.timer);
    clearTimeout(this.expiry);
    this.stopping.abort();
    await this.saving;
  }

  private refresh(): void {
    clearTimeout(this.timer);
    if (this.running) this.again = true;
    else void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    this.again = false;
    const delay = (await this.fetch()) ? timersOf(this.current!).refresh : this.retryDelay();
    this.running = false;
    if (this.stopping.signal.aborted) return;
    // a primary that notifies all the time is not asked all the time
    this.timer = setTimeout(() => this.refresh(), this.again ? MIN_INTERVAL_MS : delay * (0.9 + 0.1 * Math.random())).unref();
  }

  private retryDelay(): number {
    const waiting = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures++);
    return this.current ? Math.min(timersOf(this.current).retry, Math.max(waiting, MIN_INTERVAL_MS)) : waiting;
  }

  /** Asks one primary after the other. @returns whether one of them had a usable zone */
  private async fetch(): Promise<boolean> {
    const { origin, primaries } = this.settings;
    const errors: string[] = [];
    for (const primary of primaries) {
      try {
        const { kind, zone } = await fetchZone(primary, origin, this.current, this.key, this.stopping.signal);
        if (this.stopping.signal.aborted) return false;
        if (zone) this.counts.transfer("in", kind, "done");
        this.fetched(zone, primary);
        return true;
      } catch (error) {
        if (this.stopping.signal.aborted) return false;
        this.counts.transfer("in", this.current ? "ixfr" : "axfr", "failed");
        errors.push(`${formatEndpoint(primary)}: ${(error as Error).message}`);
      }
    }
    this.lostAt ??= Date.now();
    const error = errors.join("; ");
    if (error !== this.lastError)
      log("warn", this.current ? "cannot refresh the zone, keeping the last version" : "cannot fetch the zone, trying again", {
        zone: formatName(origin),
        error,
      });
    this.lastError = error;
    return false;
  }

  private fetched(zone: Zone | undefined, primary: Endpoint): void {
    const { origin, file } = this.settings;
    this.failures = 0;
    this.lostAt = undefined;
    this.lastError = undefined;
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
  const at = endOfQuestions(message);
  const owner = at === undefined || message.readUInt16BE(6) === 0 ? undefined : readName(message, at);
  if (!owner || owner.end + 10 > message.length || message.readUInt16BE(owner.end) !== Type.SOA) return undefined;
  const end = owner.end + 10 + message.readUInt16BE(owner.end + 8);
  return end > message.length || end - 20 < owner.end + 10 ? undefined : message.readUInt32BE(end - 20);
}
