import { formatName, type Name } from "../wire/name.ts";

/** What the domains of a cluster may ask of a Prometheus that is everybody's. */
export interface Bounds {
  /** Domains of a namespace that are asked for. */
  readonly domainsPerNamespace: number;
  /** Of all domains together. */
  readonly queriesPerRound: number;
}

/** Characters of one query, and of all queries of a round. */
export const MAX_QUERY = 1 << 20;
export const MAX_ROUND = 16 << 20;

/** What a domain asks in a round. */
export interface Demand {
  readonly domain: Name;
  readonly namespace: string;
  readonly queries: number;
  /** Of the longest query, and of all. */
  readonly longest: number;
  readonly characters: number;
}

const byName = (a: Demand, b: Demand): number => (formatName(a.domain) < formatName(b.domain) ? -1 : 1);

/**
 * Which domains are not asked for, and why. A namespace's domains come in the order of their names, so that all servers choose alike, and
 * after a restart as well. Of all namespaces those go first that have the least: one that asks for too much takes nothing from another.
 */
export function overBounds(demands: readonly Demand[], { domainsPerNamespace, queriesPerRound }: Bounds): Map<Name, string> {
  const over = new Map<Name, string>();
  const queue: { readonly demand: Demand; readonly upTo: number }[] = [];
  for (const [namespace, all] of Map.groupBy(demands, (demand) => demand.namespace)) {
    const sorted = all.toSorted(byName);
    let count = 0;
    let upTo = 0;
    for (const demand of sorted) {
      const { domain, queries, longest, characters } = demand;
      if (longest > MAX_QUERY) over.set(domain, `it is longer than ${MAX_QUERY} characters with all pods in it: ask by %namespace% and a label`);
      else if (++count > domainsPerNamespace)
        over.set(domain, `the namespace ${namespace} has more than ${domainsPerNamespace} domains with queries, and this is one of the last by name`);
      else {
        upTo += Math.max(queries / queriesPerRound, characters / MAX_ROUND);
        queue.push({ demand, upTo });
      }
    }
  }
  const left = { queries: queriesPerRound, characters: MAX_ROUND };
  for (const { demand } of queue.toSorted((a, b) => a.upTo - b.upTo || byName(a.demand, b.demand))) {
    const { domain, queries, characters } = demand;
    if (queries <= left.queries && characters <= left.characters) {
      left.queries -= queries;
      left.characters -= characters;
    } else
      over.set(
        domain,
        `all domains together may ask ${queriesPerRound} queries of ${MAX_ROUND >> 20} Mi characters in a round, ` +
          `and its ${queries} are more than is left: ask for all pods at once, with %pods%`,
      );
  }
  return over;
}
