import * as pulumi from "@pulumi/pulumi";
import { type NodeDelegation } from "../../addressing/delegation.ts";
import { renderRoutes, renderRoutesUndo } from "./routes.ts";
import { renderUnbound, type RootServer } from "./unbound.ts";
import { Board, type BoardArgs } from "./board.ts";
import { HostSetup } from "./host-setup.ts";

export interface ClientBoardArgs extends BoardArgs {
  /** The nodes of the cluster: a client is on their link, so it need not take the way over the router. */
  nodes: NodeDelegation[];
  /** The zone that its resolver serves, with its final dot. */
  zone: string;
  /** The zone's root servers. */
  servers: RootServer[];
}

const directory = "/etc/peak/client";

/** Runs what is put after it as a client does: with a resolver that starts at the root servers, in place of the board's own. */
export const asClient = `${directory}/run`;

/** A board that is a client. Only what is run by `asClient` uses the resolver, which refuses all other names. */
export class ClientBoard extends Board {
  constructor(name: string, { nodes, zone, servers, ...args }: ClientBoardArgs, opts?: pulumi.ComponentResourceOptions) {
    super(name, args, opts);
    new HostSetup(`${name}-client`, {
      host: this,
      packages: ["unbound", "bind9-dnsutils", "curl"],
      files: [
        { path: `${directory}/unbound.conf`, content: renderUnbound({ zone, servers, address: "::1", port: 53, allow: ["::1/128"] }) },
        { path: `${directory}/resolv.conf`, content: "nameserver ::1\n" },
        { path: `${directory}/nsswitch.conf`, content: "passwd: files\ngroup: files\nhosts: files dns\n" },
        { path: asClient, content: renderAsClient(), mode: 0o755 },
        { path: `${directory}/routes`, content: renderRoutes("client", nodes), mode: 0o755 },
      ],
      units: [
        {
          name: "peak-client-routes.service",
          description: "Routes to the prefixes of the nodes",
          type: "oneshot",
          after: ["network-online.target"],
          exec: [`${directory}/routes`],
        },
        {
          name: "peak-client-resolver.service",
          description: `Recursive resolver for ${zone}`,
          type: "exec",
          after: ["network-online.target"],
          exec: ["/usr/sbin/unbound", "-d", "-c", `${directory}/unbound.conf`],
          restart: "always",
        },
      ],
      undo: renderRoutesUndo("client"),
    }, { parent: this });
  }
}

/** In a mount namespace of its own, so that the board itself goes on to resolve names as it did. Pure. */
function renderAsClient(): string {
  const inside = ["resolv.conf", "nsswitch.conf"].map((file) => `if [ -e /etc/${file} ]; then mount --bind ${directory}/${file} /etc/${file}; fi`);
  return `#!/bin/sh
exec unshare --mount --propagation private sh -ec '${[...inside, 'exec "$@"'].join("; ")}' sh "$@"
`;
}
