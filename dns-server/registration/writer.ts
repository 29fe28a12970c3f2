import type { Session } from "../transport/session.ts";
import { Class, Rcode, Type } from "../wire/constants.ts";
import { foldName, nameBytes, type Name } from "../wire/name.ts";
import { encodeUpdate } from "../wire/update-request.ts";
import type { UpdateRecord } from "../wire/update.ts";
import { addressRecord, type NameServer } from "../zone/name-server.ts";
import { timeoutMs, type RegistrationSettings } from "./settings.ts";
import { exchangeSigned, RcodeError } from "./signed-exchange.ts";

/** Domains in one message. */
const CHUNK = 200;
/** When the first so many domains are refused one by one, all are. */
const MAX_REFUSED_FIRST = 64;
/** Domains that were refused, of which so many are tried again at each renewal: each takes a message of its own. */
const MAX_SUSPECTS = 32;
/** What a server says when one domain in a message is at fault; all else concerns the message or the server. */
const ONE_AT_FAULT: readonly number[] = [Rcode.REFUSED, Rcode.FORMERR, Rcode.NOTZONE];

const REFUSED_ALL = "the server said REFUSED to every domain; grant the key delegateTo these name servers (updates.grants)";

/** What a server is to be told of a domain. */
interface Wish {
  readonly domain: Name;
  readonly isWanted: boolean;
}

/** Tells one server of the parent which domains it is to delegate here, and knows which of them it takes. */
export class DelegationWriter {
  private readonly session: Session;
  private readonly settings: RegistrationSettings;
  private readonly own: ReadonlySet<Name>;
  private readonly registered = new Set<Name>();
  /** Domains that the server does not take, longest not tried first; tried again at renewals, apart from the others. */
  private readonly untaken = new Set<Name>();

  constructor(session: Session, settings: RegistrationSettings) {
    this.session = session;
    this.settings = settings;
    this.own = new Set(settings.nameServers.map(({ name }) => foldName(name)));
  }

  /** Domains that the server does not take. */
  get refused(): ReadonlySet<Name> {
    return this.untaken;
  }

  get isEmpty(): boolean {
    return this.registered.size === 0;
  }

  /** Takes back what is wanted no more, and registers what is new; at a renewal, all. @throws Error when the server takes nothing */
  async tellDue(wanted: ReadonlySet<Name>, isRenewal: boolean): Promise<void> {
    const patience = timeoutMs(this.settings);
    for (const domain of this.untaken) if (!wanted.has(domain)) this.untaken.delete(domain);
    const gone = [...this.registered].filter((domain) => !wanted.has(domain));
    const due = [...wanted].filter((domain) => !this.untaken.has(domain) && (isRenewal || !this.registered.has(domain)));
    const suspects = isRenewal ? [...this.untaken].slice(0, MAX_SUSPECTS) : [];
    await this.tell([...toWishes(gone, false), ...toWishes(due, true)], patience);
    for (const suspect of suspects) {
      // to the end, so that each comes to its turn
      this.untaken.delete(suspect);
      await this.tellSome(toWishes([suspect], true), patience);
    }
    if (wanted.size > 0 && this.isEmpty) throw new Error(REFUSED_ALL);
  }

  /** Takes all back. */
  takeBack(patienceMs: number): Promise<void> {
    return this.tell(toWishes(this.registered, false), patienceMs);
  }

  /** A server may also take a delegation and leave it out, such as beside a CNAME (RFC 2136 section 3.4.2.2): what it says then counts. */
  compare(delegations: ReadonlyMap<Name, readonly NameServer[]>): void {
    for (const [domain, servers] of delegations) {
      if (!this.registered.has(domain)) continue;
      if (servers.some(({ name }) => this.own.has(foldName(name)))) this.untaken.delete(domain);
      else this.untaken.add(domain);
    }
  }

  private async tell(wishes: readonly Wish[], patienceMs: number): Promise<void> {
    for (let at = 0; at < wishes.length; at += CHUNK) await this.tellSome(wishes.slice(at, at + CHUNK), patienceMs);
  }

  /** One message. A server refuses all of it for one domain's sake: which one that is is found by halves, and the others go on. */
  private async tellSome(wishes: readonly Wish[], patienceMs: number): Promise<void> {
    try {
      await this.send(wishes, patienceMs);
    } catch (error) {
      if (!(error instanceof RcodeError && ONE_AT_FAULT.includes(error.rcode))) throw error;
      const half = wishes.length >> 1;
      if (half > 0) {
        await this.tellSome(wishes.slice(0, half), patienceMs);
        await this.tellSome(wishes.slice(half), patienceMs);
        return;
      }
      for (const { domain, isWanted } of wishes) {
        this.registered.delete(domain);
        if (isWanted) this.untaken.add(domain);
      }
      if (this.isEmpty && this.untaken.size >= MAX_REFUSED_FIRST) throw new Error(REFUSED_ALL);
      return;
    }
    for (const { domain, isWanted } of wishes) {
      if (isWanted) this.registered.add(domain);
      else this.registered.delete(domain);
    }
  }

  private async send(wishes: readonly Wish[], patienceMs: number): Promise<void> {
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
    await exchangeSigned(this.session, encodeUpdate(this.session.newId(), zone, all, { lease }), key, patienceMs);
  }
}

const toWishes = (domains: Iterable<Name>, isWanted: boolean): Wish[] => Array.from(domains, (domain) => ({ domain, isWanted }));
