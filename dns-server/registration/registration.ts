import { formatEndpoint } from "../wire/endpoint.ts";
import type { Name } from "../wire/name.ts";
import type { NameServer } from "../zone/name-server.ts";
import { Registrar } from "./registrar.ts";
import type { RegistrationSettings } from "./settings.ts";

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
