import type { Claim } from "../kubernetes/claim.ts";
import type { Domain, Target } from "../model/domain.ts";
import { isBefore, isOlder, precedes } from "./order.ts";

/**
 * What of the claims of one name can hold together: targets of pods and Services, all that make the same alias, one Ingress. Where they
 * exclude each other the oldest of those holds that ask for all of the name.
 */
export function settle(claims: readonly Claim[]): { held: readonly Claim[]; others: readonly Claim[] } {
  const first = claims.reduce((best, claim) => (precedes(claim, best) ? claim : best));
  const company = companyOf(first);
  if (claims.every((claim) => companyOf(claim) === company)) return { held: claims, others: [] };
  const held: Claim[] = [];
  const others: Claim[] = [];
  for (const claim of claims) (companyOf(claim) === company ? held : others).push(claim);
  return { held, others };
}

function companyOf({ namespace, owner, alias }: Claim): string {
  if (owner.kind === "Ingress") return `${namespace}/Ingress/${owner.name}`;
  return alias === undefined ? namespace : `${namespace} ${alias}`;
}

/** One domain of all claims of a name: all their targets, the settings of the youngest. */
export function joinClaims(claims: readonly Claim[]): Domain {
  let speaker = claims[0]!;
  let oldest = claims[0]!;
  const targets = new Map<string, Target>();
  const givenBy = new Map<string, Claim>();
  for (const claim of claims) {
    if (claim.saidAt > speaker.saidAt || (claim.saidAt === speaker.saidAt && isBefore(claim, speaker))) speaker = claim;
    // pods of one workload are as old as it
    if (claim.owner.uid !== oldest.owner.uid && isOlder(claim, oldest)) oldest = claim;
    for (const target of claim.targets) {
      const other = givenBy.get(target.key);
      if (other && !isBefore(claim, other)) continue;
      givenBy.set(target.key, claim);
      targets.set(target.key, target);
    }
  }
  return {
    name: speaker.name,
    origin: speaker.origin,
    namespace: speaker.namespace,
    owner: oldest.owner,
    targets: [...targets.values()],
    alias: speaker.alias,
    ...speaker.settings,
  };
}
