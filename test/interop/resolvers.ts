import { eventually, encodeQuery, exchangeUdp } from "../../dns-server/testing/client.ts";
import { Program, type Folder } from "./program.ts";
import { hints } from "./tree.ts";

/** A resolver of other people's, that walks the tree from the root hints. */
export interface Resolver {
  readonly name: string;
  readonly binary: string;
  /** Writes its configuration and says how to start it in the foreground, on `address`, port 53. */
  command(address: string, folder: Folder): readonly string[];
}

const hintsFile = (folder: Folder): string => folder.write("hints", hints);

/** Unbound with all that a picky operator turns on: strict QNAME minimisation, 0x20, hardening. */
export const unbound: Resolver = {
  name: "Unbound",
  binary: "unbound",
  command: (address, folder) => [
    "unbound",
    "-d",
    "-c",
    folder.write("unbound.conf", [
      "server:",
      '  username: ""',
      '  chroot: ""',
      `  directory: "${folder.path}"`,
      `  pidfile: "${folder.path}/unbound.pid"`,
      "  use-syslog: no",
      "  verbosity: 1",
      `  interface: ${address}`,
      "  do-ip4: no",
      "  access-control: ::/0 allow",
      `  root-hints: "${hintsFile(folder)}"`,
      '  module-config: "iterator"',
      "  qname-minimisation: yes",
      "  qname-minimisation-strict: yes",
      "  use-caps-for-id: yes",
      "  harden-below-nxdomain: yes",
      "  harden-referral-path: yes",
      "  edns-buffer-size: 1232",
      "remote-control:",
      "  control-enable: no",
    ]),
  ],
};

/** Knot Resolver: minimises and randomises case of its own accord. */
export const knotResolver: Resolver = {
  name: "Knot Resolver",
  binary: "kresd",
  command: (address, folder) => {
    hintsFile(folder);
    return [
      "kresd",
      "-n",
      "-c",
      folder.write("kresd.conf", [
        `net.listen('${address}', 53)`,
        "net.ipv4 = false",
        "modules = { 'hints > iterate' }",
        `hints.root_file('${folder.path}/hints')`,
        "trust_anchors.remove('.')",
        "modules.unload('ta_update'); modules.unload('ta_signal_query'); modules.unload('priming'); modules.unload('detect_time_skew')",
        "cache.size = 10 * MB",
      ]),
      folder.path,
    ];
  },
};

/** BIND: minimises, and sends cookies to every server. */
export const named: Resolver = {
  name: "BIND",
  binary: "named",
  command: (address, folder) => [
    "named",
    "-g",
    "-n",
    "1",
    "-c",
    folder.write("named.conf", [
      `options { directory "${folder.path}"; pid-file none; session-keyfile none; recursion yes; allow-query { any; };`,
      `  listen-on { none; }; listen-on-v6 { ${address}; }; query-source-v6 address ${address}; dnssec-validation no; qname-minimization strict;`,
      "  empty-zones-enable no; };",
      "controls { };",
      `zone "." { type hint; file "${hintsFile(folder)}"; };`,
    ]),
  ],
};

/** Where the resolvers listen. */
export const resolverAddress = "fd53::ffff";

/** Starts a resolver and waits until it answers. @throws Error with what it printed when it does not */
export async function startResolver(resolver: Resolver, folder: Folder): Promise<Program> {
  const program = new Program(resolver.command(resolverAddress, folder));
  const probe = (): Promise<boolean> =>
    exchangeUdp({ address: resolverAddress, port: 53 }, encodeQuery("probe", "A"), 100).then(
      () => true,
      () => false,
    );
  try {
    await eventually(probe, (answers) => answers);
    return program;
  } catch (error) {
    await program.stop("SIGKILL");
    throw new Error(`${resolver.name} does not answer:\n${program.output}`, { cause: error });
  }
}
