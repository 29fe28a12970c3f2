/** Bits of an IPv6 address that stand for one source: a site. IPv4 addresses stand each for itself. */
const IPV6_SITE = 56;

export interface ConnectionSettings {
  /** Connections at once, of all transports together. */
  readonly total: number;
  /** Connections at once from one source. */
  readonly perSource: number;
}

/** A connection that is open. */
interface Seat {
  readonly source: string;
  /** Closes it, for the sake of another. */
  readonly evict: () => void;
}

/**
 * Counts the connections that are open, and says whether there may be one more. When there are as many as may be, a source that has fewer
 * takes the place of the one that has most: nobody keeps others out by connections that do nothing.
 */
export class ConnectionLimits {
  private readonly settings: ConnectionSettings;
  /** Oldest first. */
  private readonly sources = new Map<string, Set<Seat>>();
  private open = 0;
  private turnedAway = 0;

  constructor(settings: ConnectionSettings) {
    this.settings = settings;
  }

  /** Connections that are open. */
  get count(): number {
    return this.open;
  }

  /** Connections that were closed since there were too many, since the start. */
  get rejected(): number {
    return this.turnedAway;
  }

  /**
   * Takes a place for a connection.
   * @param client octets of its address
   * @param evict closes it, when another is to have its place
   * @returns what gives the place back; undefined: there is none
   */
  enter(client: Uint8Array, evict: () => void): (() => void) | undefined {
    const source = Buffer.from(client.length === 4 ? client : client.subarray(0, IPV6_SITE / 8)).toString("latin1");
    const own = this.sources.get(source)?.size ?? 0;
    if (own >= this.settings.perSource || (this.open >= this.settings.total && !this.makeRoom(own))) {
      this.turnedAway++;
      return undefined;
    }
    const place: Seat = { source, evict };
    this.open++;
    this.sources.set(source, (this.sources.get(source) ?? new Set()).add(place));
    return () => this.leave(place);
  }

  private leave(place: Seat): void {
    const places = this.sources.get(place.source);
    if (!places?.delete(place)) return;
    this.open--;
    if (places.size === 0) this.sources.delete(place.source);
  }

  /** Closes the oldest connection of the source with most of them, if these are more than `own`. */
  private makeRoom(own: number): boolean {
    let most: Set<Seat> | undefined;
    for (const places of this.sources.values()) if (!most || places.size > most.size) most = places;
    if (!most || most.size <= own) return false;
    const [oldest] = most;
    this.turnedAway++;
    this.leave(oldest!);
    oldest!.evict();
    return true;
  }
}
