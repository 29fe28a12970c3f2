import type { Claim } from "../kubernetes/claim.ts";
import { comesFirst, isOlder } from "./order.ts";
import type { Origin, Origins, Owner } from "./origins.ts";

/** What decides on owners besides the claims. */
export interface Rules {
  /** Whether a namespace lets another one have names below its own. */
  allowsBelow(owner: string, other: string): boolean;
  /** Of making domains: what became somebody's in the same one is as new. */
  readonly round: number;
}

/**
 * Decides whose an origin is. Who had it goes on as long as it asks; then it is the one of the oldest claim, so that all servers decide
 * the same. Below another namespace's name it takes that one's word, unless it was there first.
 */
export function decideOwner(origin: Origin, above: ReturnType<Origins["above"]>, claims: readonly Claim[], rules: Rules): Owner | undefined {
  const before = origin.owner;
  const isAllowed = (namespace: string): boolean => !above || rules.allowsBelow(above.owner.namespace, namespace);
  const mayHave = ({ namespace, since }: Claim): boolean => {
    if (!above || isAllowed(namespace)) return true;
    // both are new, to a server that starts perhaps: it cannot know who was first
    return above.ownedIn === rules.round && since < oldestOf(above, above.owner.namespace).since;
  };
  const isKept = before !== undefined && (!before.byWord || isAllowed(before.namespace));
  let oldest: Claim | undefined;
  let namespace: string | undefined;
  for (const claim of claims) {
    if (isKept && claim.namespace === before.namespace) namespace = claim.namespace;
    else if (mayHave(claim) && (!oldest || comesFirst(claim, oldest))) oldest = claim;
  }
  namespace ??= oldest?.namespace;
  if (namespace === undefined) return undefined;
  // who has it by its own right keeps it, whatever is said above it later
  if (namespace === before?.namespace && !before.byWord) return before;
  return { namespace, byWord: above !== undefined && above.owner.namespace !== namespace && isAllowed(namespace) };
}

/** The oldest of a namespace's claims in an origin. */
export function oldestOf({ claims }: Origin, namespace: string): Claim {
  let oldest: Claim | undefined;
  for (const list of claims.values())
    for (const claim of list) if (claim.namespace === namespace && (!oldest || isOlder(claim, oldest))) oldest = claim;
  return oldest!;
}
