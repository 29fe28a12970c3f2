/** Bits of an IPv6 address that stand for one source: a site. IPv4 addresses stand each for itself. */
const IPV6_SITE = 56;

export interface ConnectionSettings {
  /** Connections at once, of all transports together. */
  readonly total: number;
  /** Connections at once from one source. */
  readonly perSource: number;
}

/** Counts the connections that are open, and says whether there may be one more. */
export class ConnectionLimits {
  private readonly settings: ConnectionSettings;
  private readonly sources = new Map<string, number>();
  private open = 0;
  private turnedAway = 0;

  constructor(settings: ConnectionSettings) {
    this.settings = settings;
  }

  /** Connections that are open. */
  get count(): number {
    return this.open;
  }

  /** Connections that were closed at once, since the start. */
  get rejected(): number {
    return this.turnedAway;
  }

  /**
   * Takes a place for a connection.
   * @param client octets of its address
   * @returns what gives the place back (call it once); undefined: there is none
   */
  enter(client: Uint8Array): (() => void) | undefined {
    const source = Buffer.from(client.length === 4 ? client : client.subarray(0, IPV6_SITE / 8)).toString("latin1");
    const own = this.sources.get(source) ?? 0;
    if (this.open >= this.settings.total || own >= this.settings.perSource) {
      this.turnedAway++;
      return undefined;
    }
    this.open++;
    this.sources.set(source, own + 1);
    return () => {
      this.open--;
      const left = this.sources.get(source)! - 1;
      if (left === 0) this.sources.delete(source);
      else this.sources.set(source, left);
    };
  }
}
