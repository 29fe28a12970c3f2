import { Type } from "../wire/constants.ts";
import { foldName, parentName, ROOT, type Name } from "../wire/name.ts";
import type { ZoneSigner } from "../dnssec/signer.ts";
import type { Zone } from "../zone/zone.ts";

/** What a server answers from. Immutable: a change makes a new one that is swapped in whole. */
export interface View {
  /** Zones by folded origin. */
  readonly zones: ReadonlyMap<Name, Zone>;
  /** Signers of the signed ones, by folded origin. */
  readonly signers?: ReadonlyMap<Name, ZoneSigner>;
  /** Names, folded, at and below which answers are not known yet: SERVFAIL, so that nobody takes a start for an absence. */
  readonly loading: readonly Name[];
}

/** Whether a name, folded, that is in a zone is in a closer one too. */
export function isInCloserZone(zones: { has(origin: Name): boolean }, name: Name, origin: Name): boolean {
  for (let at = name; at.length > origin.length; at = parentName(at)) if (zones.has(at)) return true;
  return false;
}

/** The zone that answers for a name: the closest above it; for DS at a zone's own origin its parent's, if that is here too. */
export function findZone(view: View, name: Name, type: number): Zone | undefined {
  const folded = foldName(name);
  let own: Zone | undefined;
  for (let at = folded; ; at = parentName(at)) {
    const zone = view.zones.get(at);
    if (zone) {
      if (type !== Type.DS || at !== folded || at === ROOT) return zone;
      own = zone;
    }
    if (at === ROOT) return own;
  }
}
