import { Backoff } from "../runtime/backoff.ts";
import { log } from "../runtime/log.ts";
import { Session } from "../transport/session.ts";
import { formatEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { formatName, type Name } from "../wire/name.ts";
import { DelegationReader } from "./reader.ts";
import { renewalMs, type RegistrationSettings } from "./settings.ts";
import { DelegationWriter } from "./writer.ts";

/** A withdrawal must not hold up the end of the process. */
const WITHDRAW_TIMEOUT_MS = 400;
const FIRST_RETRY_MS = 500;
/** Share of each wait that is left to chance. */
const SPREAD = 0.2;

interface RegistrarListener {
  /** `delegations` has been read again. */
  read(): void;
  refused(domain: Name): void;
}

/** Keeps the domains registered with one server of the parent: tells it what is due, and reads back what it makes of that. */
export class Registrar {
  private readonly server: Endpoint;
  private readonly session: Session;
  private readonly settings: RegistrationSettings;
  private readonly listener: RegistrarListener;
  private readonly writer: DelegationWriter;
  private readonly reader: DelegationReader;
  private readonly backoff: Backoff;
  private wanted: ReadonlySet<Name> = new Set();
  /** Domains that the log says are refused. */
  private told: ReadonlySet<Name> = new Set();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private busy = false;
  private again = false;
  private stopped = false;
  /** When all is to be told again, and not only what has changed. */
  private renewAt = 0;
  private lastError: string | undefined;
  private confirmedAt: number | undefined;

  constructor(server: Endpoint, settings: RegistrationSettings, listener: RegistrarListener) {
    this.server = server;
    this.session = new Session(server);
    this.settings = settings;
    this.listener = listener;
    this.writer = new DelegationWriter(this.session, settings);
    this.reader = new DelegationReader(server, this.session, settings);
    this.backoff = new Backoff(FIRST_RETRY_MS, renewalMs(settings), SPREAD);
  }

  /** To whom the server delegates each domain, as it said last. */
  get delegations(): DelegationReader["delegations"] {
    return this.reader.delegations;
  }

  /** How many domains the server does not take. */
  get refusals(): number {
    return this.writer.refused.size;
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
    const delay = await this.tell();
    this.busy = false;
    if (this.stopped) this.session.close();
    else if (this.again) {
      this.again = false;
      this.start();
    } else this.timer = setTimeout(() => this.start(), Math.max(0, delay));
  }

  /** @returns milliseconds until the next time */
  private async tell(): Promise<number> {
    const isRenewal = this.backoff.failures > 0 || Date.now() >= this.renewAt;
    try {
      await this.writer.tellDue(this.wanted, isRenewal);
      if (this.backoff.failures > 0 || this.confirmedAt === undefined)
        log("info", "the domains are registered", { server: formatEndpoint(this.server) });
      this.backoff.reset();
      this.lastError = undefined;
      this.confirmedAt = Date.now();
      if (isRenewal) this.renewAt = Date.now() + renewalMs(this.settings) * (1 - SPREAD * Math.random());
      await this.readBack();
      return this.renewAt - Date.now();
    } catch (error) {
      const message = (error as Error).message;
      if (message !== this.lastError)
        log("warn", "cannot register the domains, trying again", { server: formatEndpoint(this.server), error: message });
      this.lastError = message;
      return this.backoff.next();
    }
  }

  private async readBack(): Promise<void> {
    // what is to be told goes first
    await this.reader.read(this.wanted, () => this.stopped || this.again);
    this.writer.compare(this.delegations);
    this.tellRefused();
    this.listener.read();
  }

  private tellRefused(): void {
    const { refused } = this.writer;
    const untold = [...refused].filter((domain) => !this.told.has(domain));
    if (untold.length > 0)
      log("warn", "the server does not take some domains", { server: formatEndpoint(this.server), domains: untold.map(formatName) });
    this.told = new Set(refused);
    for (const domain of refused) this.listener.refused(domain);
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
    if (this.writer.isEmpty) return this.session.close();
    try {
      await this.writer.takeBack(WITHDRAW_TIMEOUT_MS);
    } catch (error) {
      log("warn", "cannot withdraw the domains; their lease will end", {
        server: formatEndpoint(this.server),
        error: (error as Error).message,
      });
    }
    this.session.close();
  }
}
