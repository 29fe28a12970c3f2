import type { Owner } from "../domains/origins.ts";
import type { WatchCounts } from "../kubernetes/cluster.ts";
import type { Zones } from "../publishing/zones.ts";
import type { RegistrationState } from "../registration/registration.ts";
import type { SelectionCounts, Selector } from "../selection/selector.ts";
import type { Offers } from "../transfer/outgoing.ts";
import type { SecondaryZone } from "../transfer/secondary.ts";
import type { Services } from "../view/general.ts";
import type { View } from "../view/view.ts";
import type { Name } from "../wire/name.ts";

/** Where a view comes from. It calls back when the view has changed. What only some sources can do is a capability, all of it or nothing. */
export interface Source {
  view(): View;
  /** Undefined while what it follows is followed. */
  lost(): Lost | undefined;
  readonly exchange?: ZoneExchange;
  readonly primaries?: Primaries;
  readonly pods?: Pods;
  readonly parent?: Parent;
  stop(): Promise<void>;
}

/** How long what a view follows has been lost, and why, as a word for metrics. */
export interface Lost {
  readonly seconds: number;
  readonly reason: string;
}

/** Zones that other servers change, are given and tell of, by messages that may be signed. */
export interface ZoneExchange extends Required<Pick<Services, "keys" | "update" | "notify">> {
  /** To whom zones are given. */
  readonly offers: Offers;
}

/** What a source has in its place that exchanges no zones. */
export const NO_EXCHANGE: ZoneExchange = { keys: new Map(), offers: new Map(), update: () => undefined, notify: () => undefined };

/** Zones that are fetched from other servers. */
export interface Primaries {
  /** Fetches a zone (folded) anew, whole and whatever its serial; undefined: it is no zone of this source. */
  transfer(zone: Name): Promise<object> | undefined;
  /** Zones, and whether their primary has an earlier version. */
  behind(): Iterable<readonly [Name, boolean]>;
  /** For the source of the next configuration. */
  readonly zones: readonly SecondaryZone[];
}

/** Answers that are chosen among pods. */
export interface Pods {
  /** Resolves when the view rests on all that it is made from, or will not soon. @throws the signal's reason when that comes first */
  settled(signal: AbortSignal): Promise<void>;
  /** What is given, and why. */
  selection(): SelectionCounts;
  watch(): WatchCounts;
  /** Why a name (folded) is answered as it is, as JSON; undefined: it is no name of this source. */
  explain(name: Name): object | undefined;
  /** For the source of the next configuration. */
  handOver(): Legacy;
}

/** What is known of a cluster, and stays in force until it is found out anew. */
export interface Legacy {
  readonly selector: Selector;
  /** Other clusters that serve the same domains. */
  readonly delegations: Zones["delegations"];
  /** Whose each name is. */
  readonly owners: ReadonlyMap<Name, Owner>;
}

/** A parent zone that the domains are registered with. */
export interface Parent {
  /** How it stands with each server of it. */
  states(): RegistrationState[];
  /** Takes back what is registered: nothing is to be served any more. */
  withdraw(): Promise<void>;
}

/** Whether the view is whole: no name is still being loaded. */
export const isComplete = (source: Source): boolean => source.view().loading.length === 0;
