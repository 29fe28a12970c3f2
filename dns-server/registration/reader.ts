import { log } from "../runtime/log.ts";
import type { Session } from "../transport/session.ts";
import { formatEndpoint, type Endpoint } from "../wire/endpoint.ts";
import type { Name } from "../wire/name.ts";
import type { NameServer } from "../zone/name-server.ts";
import { askDelegation, askSerial } from "./delegation.ts";
import { timeoutMs, type RegistrationSettings } from "./settings.ts";

/** Questions at a time. */
const PARALLEL = 32;

/** Reads to whom one server of the parent delegates domains: to this cluster, and to others that serve them too. */
export class DelegationReader {
  /** To whom the server delegates each domain, as it said last. */
  readonly delegations = new Map<Name, readonly NameServer[]>();
  private readonly server: Endpoint;
  private readonly session: Session;
  private readonly settings: RegistrationSettings;
  /** Serial of the zone that `delegations` are of, once there is nothing unread. */
  private serial: number | undefined;
  /** Domains whose delegations may have changed since they were read. */
  private readonly unread = new Set<Name>();
  private lastError: string | undefined;

  constructor(server: Endpoint, session: Session, settings: RegistrationSettings) {
    this.server = server;
    this.session = session;
    this.settings = settings;
  }

  /**
   * Reads the delegations of domains, if anything in the zone has changed. What cannot be read stays as it was.
   * @param isInterrupted whether something else is to be done first: the rest is read next time
   */
  async read(domains: ReadonlySet<Name>, isInterrupted: () => boolean): Promise<void> {
    const { key, zone } = this.settings;
    for (const domain of this.delegations.keys()) if (!domains.has(domain)) this.delegations.delete(domain);
    try {
      // before: what changes while all is read is read next time
      const serial = await askSerial(this.session, zone, key, timeoutMs(this.settings));
      for (const domain of domains) if (serial !== this.serial || !this.delegations.has(domain)) this.unread.add(domain);
      this.serial = serial;
      const readNext = async (): Promise<void> => {
        for (const domain of this.unread) {
          if (isInterrupted()) return;
          this.unread.delete(domain);
          if (domains.has(domain)) this.delegations.set(domain, await this.readOne(domain));
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, readNext));
      this.lastError = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.lastError)
        log("warn", "cannot read to whom the domains are delegated", { server: formatEndpoint(this.server), error: message });
      this.lastError = message;
    }
  }

  private async readOne(domain: Name): Promise<readonly NameServer[]> {
    try {
      return await askDelegation(this.session, domain, this.settings.key, timeoutMs(this.settings));
    } catch (error) {
      this.unread.add(domain);
      throw error;
    }
  }
}
