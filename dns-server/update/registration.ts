import { randomInt } from "node:crypto";
import { log } from "../log.ts";
import { formatEndpoint, type Endpoint } from "../transport/transport.ts";
import { Class, Type } from "../wire/constants.ts";
import { nameBytes, type Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import { addressRecord, type NameServer } from "../kubernetes/domains.ts";
import { askDelegation } from "./delegation.ts";
import type { UpdateRecord } from "./message.ts";
import { encodeUpdate } from "./request.ts";
import { exchangeSigned } from "./signed-exchange.ts";

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
const TIMEOUT_MS = 3000;
/** A withdrawal must not hold up the end of the process. */
const WITHDRAW_TIMEOUT_MS = 400;
const FIRST_RETRY_MS = 500;
/** Questions at a time. */
const PARALLEL = 8;

/** What one server of the parent was told. */
class Registrar {
  private readonly server: Endpoint;
  private readonly settings: RegistrationSettings;
  /** Called when `delegations` has been read again. */
  private readonly read: () => void;
  /** To whom the server delegates each domain, as it said last. */
  readonly delegations = new Map<Name, readonly NameServer[]>();
  private wanted: ReadonlySet<Name> = new Set();
  private readonly registered = new Set<Name>();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private again = false;
  private stopped = false;
  private failures = 0;
  private lastError: string | undefined;
  private lastReadError: string | undefined;
  private confirmedAt: number | undefined;

  constructor(server: Endpoint, settings: RegistrationSettings, read: () => void) {
    this.server = server;
    this.settings = settings;
    this.read = read;
  }

  /** Seconds since the server last took everything; undefined before the first time. */
  ageSeconds(): number | undefined {
    return this.confirmedAt === undefined ? undefined : (Date.now() - this.confirmedAt) / 1000;
  }

  set(domains: ReadonlySet<Name>): void {
    this.wanted = domains;
    this.start();
  }

  /** Tells the server all, now; once more when it is already at it. */
  private start(): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    if (this.busy) this.again = true;
    else this.running = this.renew();
  }

  private async renew(): Promise<void> {
    this.busy = true;
    let delay: number;
    try {
      await this.tell(
        this.wanted,
        [...this.registered].filter((domain) => !this.wanted.has(domain)),
        TIMEOUT_MS,
      );
      if (this.failures > 0 || this.confirmedAt === undefined)
        log("info", "the domains are registered", { server: formatEndpoint(this.server) });
      this.failures = 0;
      this.lastError = undefined;
      this.confirmedAt = Date.now();
      await this.readBack();
      // twice more before the lease ends, if this time fails
      delay = (this.settings.lease * 1000) / 3;
    } catch (error) {
      const message = (error as Error).message;
      if (message !== this.lastError)
        log("warn", "cannot register the domains, trying again", { server: formatEndpoint(this.server), error: message });
      this.lastError = message;
      delay = Math.min((this.settings.lease * 1000) / 3, FIRST_RETRY_MS * 2 ** this.failures++);
    }
    this.busy = false;
    if (this.again) {
      this.again = false;
      this.start();
    } else if (!this.stopped) this.timer = setTimeout(() => this.start(), delay * (0.8 + 0.2 * Math.random()));
  }

  /** Registers domains, and takes others back. */
  private async tell(add: ReadonlySet<Name>, remove: readonly Name[], timeoutMs: number): Promise<void> {
    const { nameServers, ttl } = this.settings;
    const addresses = nameServers.flatMap(({ name, addresses: list }) =>
      list.map((address): UpdateRecord => ({ ...addressRecord(name, ttl, address), class: Class.IN })),
    );
    const delegations = (domains: Iterable<Name>, rclass: number): { domain: Name; records: UpdateRecord[] }[] =>
      Array.from(domains, (domain) => ({
        domain,
        records: nameServers.map(({ name }) => ({
          name: domain,
          type: Type.NS,
          class: rclass,
          ttl: rclass === Class.IN ? ttl : 0,
          rdata: nameBytes(name),
        })),
      }));
    const all = [...delegations(remove, Class.NONE), ...delegations(add, Class.IN)];
    for (let at = 0; at === 0 || at < all.length; at += CHUNK) {
      const chunk = all.slice(at, at + CHUNK);
      // the glue goes with the first: no delegation without it
      await this.send([...(at === 0 && add.size > 0 ? addresses : []), ...chunk.flatMap(({ records }) => records)], timeoutMs);
      for (const { domain } of chunk) {
        if (add.has(domain)) this.registered.add(domain);
        else this.registered.delete(domain);
      }
    }
  }

  private async send(updates: readonly UpdateRecord[], timeoutMs: number): Promise<void> {
    if (updates.length === 0) return;
    const { zone, key, lease } = this.settings;
    await exchangeSigned(this.server, encodeUpdate(randomInt(0x10000), zone, updates, { lease }), key, timeoutMs);
  }

  /** Reads to whom the domains are delegated, besides this cluster. What cannot be read stays as it was. */
  private async readBack(): Promise<void> {
    const left = [...this.wanted];
    const readNext = async (): Promise<void> => {
      for (let domain = left.pop(); domain !== undefined && !this.stopped; domain = left.pop())
        this.delegations.set(domain, await askDelegation(this.server, domain, this.settings.key, TIMEOUT_MS));
    };
    try {
      await Promise.all(Array.from({ length: PARALLEL }, readNext));
      this.lastReadError = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastReadError)
        log("warn", "cannot read to whom the domains are delegated", { server: formatEndpoint(this.server), error: message });
      this.lastReadError = message;
    }
    for (const domain of this.delegations.keys()) if (!this.wanted.has(domain)) this.delegations.delete(domain);
    this.read();
  }

  /** Renews no more; what is registered lives until its lease ends. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Takes everything back, if the server can be reached now. */
  async withdraw(): Promise<void> {
    this.stop();
    await Promise.race([this.running, new Promise((resolve) => setTimeout(resolve, WITHDRAW_TIMEOUT_MS / 2).unref())]);
    if (this.registered.size === 0) return;
    try {
      await this.tell(new Set(), [...this.registered], WITHDRAW_TIMEOUT_MS);
    } catch (error) {
      log("warn", "cannot withdraw the domains; their lease will end", {
        server: formatEndpoint(this.server),
        error: (error as Error).message,
      });
    }
  }
}

/**
 * Keeps the domains of a cluster registered with the servers of the parent zone: leased DNS UPDATE, renewed, and withdrawn at the end (RFC
 * 9664).
 */
export class Registration {
  private readonly registrars: readonly Registrar[];
  private readonly settings: RegistrationSettings;
  private known: ReadonlySet<Name> | undefined;

  /** @param delegated told, after each renewal, to whom the parent delegates a domain: this cluster, and others that serve it too */
  constructor(settings: RegistrationSettings, delegated: (domain: Name, servers: readonly NameServer[]) => void) {
    this.settings = settings;
    const read = (): void => {
      for (const domain of this.known ?? []) delegated(domain, this.registrars.flatMap(({ delegations }) => delegations.get(domain) ?? []));
    };
    this.registrars = settings.servers.map((server) => new Registrar(server, settings, read));
  }

  /** The domains that are to be registered from now on, folded origins. */
  set(domains: Iterable<Name>): void {
    const next = new Set(domains);
    const { known } = this;
    if (known && next.size === known.size && [...next].every((domain) => known.has(domain))) return;
    this.known = next;
    for (const registrar of this.registrars) registrar.set(next);
  }

  /** For each server, seconds since it last took everything; undefined before the first time. */
  ages(): { server: string; seconds: number | undefined }[] {
    return this.registrars.map((registrar, i) => ({ server: formatEndpoint(this.settings.servers[i]!), seconds: registrar.ageSeconds() }));
  }

  stop(): void {
    for (const registrar of this.registrars) registrar.stop();
  }

  async withdraw(): Promise<void> {
    await Promise.all(this.registrars.map((registrar) => registrar.withdraw()));
  }
}
