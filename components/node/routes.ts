import { scopes, type NodeDelegation } from "../../addressing/delegation.ts";

/**
 * Routes of ours are marked with a protocol number, so that those that are no longer wanted are found: another one for each kind of set-up, for a
 * host may get the one before it loses the other.
 */
const protocols = { node: 112, client: 113 };

/** What the routes are for. */
export type RoutesOf = keyof typeof protocols;

/** A script that routes each node's prefixes to it, and those of nodes that are no more to none. Pure. */
export function renderRoutes(kind: RoutesOf, nodes: NodeDelegation[]): string {
  const protocol = protocols[kind];
  const to = nodes.flatMap(scopes);
  // A node's address lies inside its own prefix: `onlink` says that it is a neighbour all the same.
  return `#!/bin/sh
set -e
${to.map(({ prefix, address }) => `ip -6 route replace ${prefix} via ${address} dev eth0 onlink proto ${protocol}\n`).join("")}
ip -6 route show proto ${protocol} | while read -r prefix _; do
  case " ${to.map(({ prefix }) => prefix).join(" ")} " in *" $prefix "*) ;; *) ip -6 route delete "$prefix" proto ${protocol} ;; esac
done
`;
}

/** What takes those routes back. Pure. */
export function renderRoutesUndo(kind: RoutesOf): string {
  return `ip -6 route flush proto ${protocols[kind]}\n`;
}
