import type { Claim } from "../kubernetes/claim.ts";

/** Which claim comes first: the same whenever and by whomever they are compared, so that all servers decide alike. */

/** Some order, whatever the claims are. */
export function isBefore(a: Claim, b: Claim): boolean {
  const rank = ({ owner, targets: [target] }: Claim): string => [owner.kind, owner.namespace, owner.name, owner.uid, target?.key].join("/");
  return rank(a) < rank(b);
}

export const isOlder = (a: Claim, b: Claim): boolean => a.since < b.since || (a.since === b.since && isBefore(a, b));

/** Whoever asks for all of a name comes before who asks for a part of it. */
export const precedes = (a: Claim, b: Claim): boolean => (a.isPartial === b.isPartial ? isOlder(a, b) : b.isPartial);

/** Of two namespaces the one with the older claim. */
export const comesFirst = (a: Claim, b: Claim): boolean => a.since < b.since || (a.since === b.since && a.namespace < b.namespace);
