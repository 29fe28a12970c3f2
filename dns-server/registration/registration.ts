import { log } from "../runtime/log.ts";
import { Session } from "../transport/session.ts";
import { Class, Rcode, Type } from "../wire/constants.ts";
import { foldName, formatName, nameBytes, type Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { formatEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { askDelegation, askSerial } from "./delegation.ts";
import type { UpdateRecord } from "../wire/update.ts";
import { encodeUpdate } from "../wire/update-request.ts";
import { addressRecord, type NameServer } from "../zone/name-server.ts";
import { exchangeSigned, RcodeError } from "./signed-exchange.ts";

export interface RegistrationSettings {
  /** The parent zone, folded. */
  readonly zone: Name;
  /** The parent's servers; each is told by itself. */
  readonly servers: readonly Endpoint[];
  readonly key: TsigKey;
  /** Seconds that a registration lives without renewal. */
  readonly lease: number;
  readonly nameServers: readonly NameServer[];
  /** TTL of the records, seconds. */
  readonly ttl: number;
}

/** Domains in one message. */
const CHUNK = 200;
/** For one answer, at most; and no longer than until the next renewal. */
const MAX_TIMEOUT_MS = 10_000;
/** A withdrawal must not hold up the end of the process. */
const WITHDRAW_TIMEOUT_MS = 400;
const FIRST_RETRY_MS = 500;
/** When the first so many domains are refused one by one, all are. */
const MAX_REFUSED_FIRST = 64;
/** Domains that were refused, of which so many are tried again at each renewal: each takes a message of its own. */
const MAX_SUSPECTS = 32;
/** Questions at a time. */
const PARALLEL = 32;
/** What a server says when one domain in a message is at fault; all else concerns the message or the server. */
const ONE_AT_FAULT: readonly number[] = [Rcode.REFUSED, Rcode.FORMERR, Rcode.NOTZONE];

const REFUSED_ALL = "the server said REFUSED to every domain; grant the key delegateTo these name servers (updates.grants)";

/** What a server is to be told of a domain. */
interface Wish {
  readonly domain: Name;
  readonly isWanted: boolean;
}

interface RegistrarListener {
  /** `delegations` has been read again. */
  read(): void;
  refused(domain: Name): void;
}

/** What one server of the parent was told. */
class Registrar {
  private readonly server: Endpoint;
  private readonly session: Session;
  private readonly settings: RegistrationSettings;
  private readonly listener: RegistrarListener;
  private readonly timeoutMs: number;
  /** To whom the server delegates each domain, as it said last. */
  readonly delegations = new Map<Name, readonly NameServer[]>();
  private wanted: ReadonlySet<Name> = new Set();
  private readonly registered = new Set<Name>();
  /** Domains that the server does not take, longest not tried first; tried again at renewals, apart from the others. */
  private readonly refused = new Set<Name>();
  /** Those that the log has. */
  private told: ReadonlySet<Name> = new Set();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private again = false;
  private stopped = false;
  private failures = 0;
  /** When all is to be told again, and not only what has changed. */
  private renewAt = 0;
  /** Serial of the zone that `delegations` are of, once there is nothing unread. */
  private readSerial: number | undefined;
  /** Domains whose delegations may have changed since they were read. */
  private readonly unread = new Set<Name>();
  private lastError: string | undefined;
  private lastReadError: string | undefined;
  private confirmedAt: number | undefined;

  constructor(server: Endpoint, settings: RegistrationSettings, listener: RegistrarListener) {
    this.server = server;
    this.session = new Session(server);
    this.timeoutMs = Math.min(MAX_TIMEOUT_MS, (settings.lease * 1000) / 3);
    this.settings = settings;
    this.listener = listener;
  }

  /** How many domains the server does not take. */
  get refusals(): number {
    return this.refused.size;
  }

  /** Seconds since the server last took the domains; undefined before the first time. */
  ageSeconds(): number | undefined {
    return this.confirmedAt === undefined ? undefined : (Date.now() - this.confirmedAt) / 1000;
  }

  set(domains: ReadonlySet<Name>): void {
    this.wanted = domains;
    this.start();
  }

  /** Tells the server what is due, now; once more when it is already at it. */
  private start(): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    if (this.busy) this.again = true;
    else this.running = this.renew();
  }

  private async renew(): Promise<void> {
    this.busy = true;
    const isRenewal = this.failures > 0 || Date.now() >= this.renewAt;
    let delay: number;
    try {
      await this.tellDue(this.wanted, isRenewal);
      if (this.failures > 0 || this.confirmedAt === undefined)
        log("info", "the domains are registered", { server: formatEndpoint(this.server) });
      this.failures = 0;
      this.lastError = undefined;
      this.confirmedAt = Date.now();
      // twice more before the lease ends, if this time fails
      if (isRenewal) this.renewAt = Date.now() + ((this.settings.lease * 1000) / 3) * (0.8 + 0.2 * Math.random());
      await this.readBack();
      delay = this.renewAt - Date.now();
    } catch (error) {
      const message = (error as Error).message;
      if (message !== this.lastError)
        log("warn", "cannot register the domains, trying again", { server: formatEndpoint(this.server), error: message });
      this.lastError = message;
      delay = Math.min((this.settings.lease * 1000) / 3, FIRST_RETRY_MS * 2 ** this.failures++) * (0.8 + 0.2 * Math.random());
    }
    this.busy = false;
    if (this.stopped) this.session.close();
    else if (this.again) {
      this.again = false;
      this.start();
    } else this.timer = setTimeout(() => this.start(), Math.max(0, delay));
  }

  /** Takes back what is wanted no more, and registers what is new; at a renewal, all. */
  private async tellDue(wanted: ReadonlySet<Name>, isRenewal: boolean): Promise<void> {
    for (const domain of this.refused) if (!wanted.has(domain)) this.refused.delete(domain);
    const gone = [...this.registered].filter((domain) => !wanted.has(domain));
    const due = [...wanted].filter((domain) => !this.refused.has(domain) && (isRenewal || !this.registered.has(domain)));
    const suspects = isRenewal ? [...this.refused].slice(0, MAX_SUSPECTS) : [];
    await this.tell([...toWishes(gone, false), ...toWishes(due, true)], this.timeoutMs);
    for (const suspect of suspects) {
      // to the end, so that each comes to its turn
      this.refused.delete(suspect);
      await this.tellSome(toWishes([suspect], true), this.timeoutMs);
    }
    if (wanted.size > 0 && this.registered.size === 0) throw new Error(REFUSED_ALL);
  }

  private async tell(wishes: readonly Wish[], timeoutMs: number): Promise<void> {
    for (let at = 0; at < wishes.length; at += CHUNK) await this.tellSome(wishes.slice(at, at + CHUNK), timeoutMs);
  }

  /** One message. A server refuses all of it for one domain's sake: which one that is is found by halves, and the others go on. */
  private async tellSome(wishes: readonly Wish[], timeoutMs: number): Promise<void> {
    try {
      await this.send(wishes, timeoutMs);
    } catch (error) {
      if (!(error instanceof RcodeError && ONE_AT_FAULT.includes(error.rcode))) throw error;
      const half = wishes.length >> 1;
      if (half > 0) {
        await this.tellSome(wishes.slice(0, half), timeoutMs);
        await this.tellSome(wishes.slice(half), timeoutMs);
        return;
      }
      for (const { domain, isWanted } of wishes) {
        this.registered.delete(domain);
        if (isWanted) this.refused.add(domain);
      }
      if (this.registered.size === 0 && this.refused.size >= MAX_REFUSED_FIRST) throw new Error(REFUSED_ALL);
      return;
    }
    for (const { domain, isWanted } of wishes) {
      if (isWanted) this.registered.add(domain);
      else this.registered.delete(domain);
    }
  }

  private async send(wishes: readonly Wish[], timeoutMs: number): Promise<void> {
    const { zone, key, lease, nameServers, ttl } = this.settings;
    const updates = wishes.flatMap(({ domain, isWanted }) =>
      nameServers.map(({ name }): UpdateRecord => {
        const record = { name: domain, type: Type.NS, rdata: nameBytes(name) };
        return isWanted ? { ...record, class: Class.IN, ttl } : { ...record, class: Class.NONE, ttl: 0 };
      }),
    );
    // no delegation without its glue
    const addresses = nameServers.flatMap(({ name, addresses: list }) =>
      list.map((address): UpdateRecord => ({ ...addressRecord(name, ttl, address), class: Class.IN })),
    );
    const all = wishes.some(({ isWanted }) => isWanted) ? [...addresses, ...updates] : updates;
    await exchangeSigned(this.session, encodeUpdate(this.session.newId(), zone, all, { lease }), key, timeoutMs);
  }

  /**
   * Reads to whom the domains are delegated, besides this cluster, if anything in the zone has changed. What cannot be read stays as it was.
   */
  private async readBack(): Promise<void> {
    const { key, zone } = this.settings;
    const own = new Set(this.settings.nameServers.map(({ name }) => foldName(name)));
    for (const domain of this.delegations.keys()) if (!this.wanted.has(domain)) this.delegations.delete(domain);
    try {
      // before: what changes while all is read is read next time
      const serial = await askSerial(this.session, zone, key, this.timeoutMs);
      for (const domain of this.wanted) if (serial !== this.readSerial || !this.delegations.has(domain)) this.unread.add(domain);
      this.readSerial = serial;
      const readNext = async (): Promise<void> => {
        for (const domain of this.unread) {
          // what is to be told goes first
          if (this.stopped || this.again) return;
          this.unread.delete(domain);
          if (this.wanted.has(domain)) this.delegations.set(domain, await this.readOne(domain));
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, readNext));
      this.lastReadError = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastReadError)
        log("warn", "cannot read to whom the domains are delegated", { server: formatEndpoint(this.server), error: message });
      this.lastReadError = message;
    }
    for (const [domain, servers] of this.delegations) {
      if (!this.registered.has(domain)) continue;
      // a server may also take a delegation and leave it out, such as beside a CNAME (RFC 2136 section 3.4.2.2)
      if (servers.some(({ name }) => own.has(foldName(name)))) this.refused.delete(domain);
      else this.refused.add(domain);
    }
    this.tellRefused();
    this.listener.read();
  }

  private async readOne(domain: Name): Promise<readonly NameServer[]> {
    try {
      return await askDelegation(this.session, domain, this.settings.key, this.timeoutMs);
    } catch (error) {
      this.unread.add(domain);
      throw error;
    }
  }

  private tellRefused(): void {
    const untold = [...this.refused].filter((domain) => !this.told.has(domain));
    if (untold.length > 0)
      log("warn", "the server does not take some domains", { server: formatEndpoint(this.server), domains: untold.map(formatName) });
    this.told = new Set(this.refused);
    for (const domain of this.refused) this.listener.refused(domain);
  }

  /** Renews no more; what is registered lives until its lease ends. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    if (!this.busy) this.session.close();
  }

  /** Takes everything back, if the server can be reached now. */
  async withdraw(): Promise<void> {
    this.stop();
    await Promise.race([this.running, new Promise((resolve) => setTimeout(resolve, WITHDRAW_TIMEOUT_MS / 2).unref())]);
    if (this.registered.size === 0) return this.session.close();
    try {
      await this.tell(toWishes(this.registered, false), WITHDRAW_TIMEOUT_MS);
    } catch (error) {
      log("warn", "cannot withdraw the domains; their lease will end", {
        server: formatEndpoint(this.server),
        error: (error as Error).message,
      });
    }
    this.session.close();
  }
}

const toWishes = (domains: Iterable<Name>, isWanted: boolean): Wish[] => Array.from(domains, (domain) => ({ domain, isWanted }));

/** What metrics show of one server of the parent. */
export interface RegistrationState {
  readonly server: string;
  /** Since it last took the domains; undefined before the first time. */
  readonly seconds: number | undefined;
  /** Domains that it does not take. */
  readonly refused: number;
}

export interface RegistrationListener {
  /** The parent delegates a domain to these: this cluster, and others that serve it too. Told after each renewal. */
  delegated(domain: Name, servers: readonly NameServer[]): void;
  /** The parent does not take a domain. Told at each renewal. */
  refused(domain: Name): void;
}

/**
 * Keeps the domains of a cluster registered with the servers of the parent zone: leased DNS UPDATE, renewed, and withdrawn at the end (RFC
 * 9664).
 */
export class Registration {
  private readonly registrars: readonly Registrar[];
  private readonly settings: RegistrationSettings;
  private known: ReadonlySet<Name> | undefined;

  constructor(settings: RegistrationSettings, listener: RegistrationListener) {
    this.settings = settings;
    const read = (): void => {
      for (const domain of this.known ?? [])
        listener.delegated(
          domain,
          this.registrars.flatMap(({ delegations }) => delegations.get(domain) ?? []),
        );
    };
    const refused = (domain: Name): void => listener.refused(domain);
    this.registrars = settings.servers.map((server) => new Registrar(server, settings, { read, refused }));
  }

  /** The domains that are to be registered from now on, folded origins. */
  set(domains: Iterable<Name>): void {
    const next = new Set(domains);
    const { known } = this;
    if (known && next.size === known.size && [...next].every((domain) => known.has(domain))) return;
    this.known = next;
    for (const registrar of this.registrars) registrar.set(next);
  }

  states(): RegistrationState[] {
    return this.registrars.map((registrar, i) => ({
      server: formatEndpoint(this.settings.servers[i]!),
      seconds: registrar.ageSeconds(),
      refused: registrar.refusals,
    }));
  }

  stop(): void {
    for (const registrar of this.registrars) registrar.stop();
  }

  async withdraw(): Promise<void> {
    await Promise.all(this.registrars.map((registrar) => registrar.withdraw()));
  }
}
