import type { Offers } from "../transfer/outgoing.ts";
import type { RegistrationState } from "../registration/registration.ts";
import type { View } from "../view/view.ts";
import type { Name } from "../wire/name.ts";
import type { TsigKey } from "../wire/tsig.ts";
import type { SelectionCounts } from "../selection/selector.ts";
import type { Request, Response } from "../view/exchange.ts";

/** Where a view comes from. It calls back when the view has changed. */
export interface Source {
  view(): View;
  /** How long what it follows has been lost, and why, as a word for metrics; undefined while it is followed. */
  lost(): { readonly seconds: number; readonly reason: string } | undefined;
  /** Resolves when the view rests on all that it is made from, or will not soon: for a source that finds out by and by. */
  settled?(): Promise<void>;
  /** What is given of the pods, and why, for a source that has some. */
  selection?(): SelectionCounts & {
    readonly kubernetesErrors: ReadonlyMap<string, number>;
    readonly kubernetesMissing: readonly string[];
  };
  /** For a source that registers with a parent: how it stands with each server of it. */
  registrations?(): RegistrationState[];
  /** Takes back what is registered with a parent: nothing is to be served any more. */
  withdraw?(): Promise<void>;
  /** Keys that messages may be signed with. */
  readonly keys?: ReadonlyMap<Name, TsigKey>;
  /** Answers an UPDATE message, for a source that takes updates, or says where they are not taken. */
  update?(request: Request): Response | undefined;
  /** Answers a NOTIFY message, for a source that follows other servers. */
  notify?(request: Request): Response | undefined;
  /** Fetches a zone (folded) anew, whole and whatever its serial; undefined: it is no zone of this source. For one that follows servers. */
  transfer?(zone: Name): Promise<object> | undefined;
  /** Zones, and whether their primary has an earlier version. */
  behind?(): Iterable<readonly [Name, boolean]>;
  /** To whom zones are given. */
  readonly offers?: Offers;
  /** Why a name (folded) is answered as it is, as JSON; undefined: it is no name of this source. For a source whose answers change. */
  explain?(name: Name): object | undefined;
  stop(): Promise<void>;
}

/** Whether the view is whole: no name is still being loaded. */
export const isComplete = (source: Source): boolean => source.view().loading.length === 0;
