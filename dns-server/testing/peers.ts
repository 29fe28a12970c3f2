import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "../../shell/which.ts";
import { exchangeUdp, encodeQuery } from "./client.ts";

/** Other name servers, started on loopback over the same zones: to compare answers with, and speed. */

export interface ZoneFile {
  /** With the final dot. */
  readonly origin: string;
  readonly file: string;
}

export interface Peer {
  readonly name: string;
  /** What must be on PATH. */
  readonly binary: string;
  /** Writes its configuration into `folder` and says how to start it in the foreground. One worker, IPv4 loopback, no rate limit. */
  command(zones: readonly ZoneFile[], port: number, folder: string): readonly string[];
}

const write = (folder: string, name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};

export const knot: Peer = {
  name: "Knot DNS",
  binary: "knotd",
  command: (zones, port, folder) => [
    "knotd",
    "-c",
    write(
      folder,
      "knot.conf",
      [
        "server:",
        `  rundir: ${folder}`,
        `  listen: 127.0.0.1@${port}`,
        "  udp-workers: 1",
        "  tcp-workers: 1",
        "  background-workers: 1",
        "log:",
        "  - target: stderr",
        "    any: error",
        "database:",
        `  storage: ${folder}`,
        "zone:",
        ...zones.flatMap(({ origin, file }) => [`  - domain: ${origin}`, `    file: ${file}`, "    zonefile-sync: -1"]),
        "",
      ].join("\n"),
    ),
  ],
};

export const nsd: Peer = {
  name: "NSD",
  binary: "nsd",
  command: (zones, port, folder) => [
    "nsd",
    "-d",
    "-c",
    write(
      folder,
      "nsd.conf",
      [
        "server:",
        "  server-count: 1",
        `  ip-address: 127.0.0.1@${port}`,
        '  username: ""',
        '  database: ""',
        `  zonesdir: ${folder}`,
        `  pidfile: ${folder}/nsd.pid`,
        `  xfrdfile: ${folder}/xfrd.state`,
        `  zonelistfile: ${folder}/zone.list`,
        `  xfrdir: ${folder}`,
        "  rrl-ratelimit: 0",
        "remote-control:",
        "  control-enable: no",
        ...zones.flatMap(({ origin, file }) => ["zone:", `  name: ${origin}`, `  zonefile: ${file}`]),
        "",
      ].join("\n"),
    ),
  ],
};

export const named: Peer = {
  name: "BIND",
  binary: "named",
  command: (zones, port, folder) => [
    "named",
    "-f",
    "-n",
    "1",
    "-c",
    write(
      folder,
      "named.conf",
      [
        `options { directory "${folder}"; pid-file "${folder}/named.pid"; recursion no;`,
        `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };`,
        "  minimal-responses yes; notify no; check-names primary ignore; dnssec-validation no;",
        // off by default: else an absence of SOA would have TTL 0
        "  zero-no-soa-ttl no; };",
        "controls { };",
        "logging { category default { null; }; };",
        ...zones.map(({ origin, file }) => `zone "${origin}" { type primary; file "${file}"; };`),
        "",
      ].join("\n"),
    ),
  ],
};

export const powerdns: Peer = {
  name: "PowerDNS",
  binary: "pdns_server",
  command: (zones, port, folder) => {
    write(
      folder,
      "named.conf",
      zones.map(({ origin, file }) => `zone "${origin.slice(0, -1)}" { type master; file "${file}"; };\n`).join(""),
    );
    write(
      folder,
      "pdns.conf",
      [
        "launch=bind",
        `bind-config=${folder}/named.conf`,
        "local-address=127.0.0.1",
        `local-port=${port}`,
        `socket-dir=${folder}`,
        "receiver-threads=1",
        "distributor-threads=1",
        "guardian=no",
        "daemon=no",
        "disable-syslog=yes",
        "loglevel=3",
        "security-poll-suffix=",
        "dname-processing=yes",
        "",
      ].join("\n"),
    );
    return ["pdns_server", `--config-dir=${folder}`];
  },
};

export const coredns: Peer = {
  name: "CoreDNS",
  binary: "coredns",
  command: (zones, port, folder) => [
    "coredns",
    "-conf",
    write(
      folder,
      "Corefile",
      zones.map(({ origin, file }) => `${origin}:${port} {\n  bind 127.0.0.1\n  file ${file} ${origin} {\n    reload 0\n  }\n}\n`).join(""),
    ),
  ],
};

export const isInstalled = (peer: Peer): boolean => which(peer.binary) !== undefined;

/**
 * Starts a peer and waits until it answers for its first zone.
 * @param prefix a command to run it under, such as `taskset -c 0`
 * @throws Error with what it printed when it does not come up
 */
export async function startPeer(
  peer: Peer,
  zones: readonly ZoneFile[],
  port: number,
  folder: string,
  prefix: readonly string[] = [],
): Promise<{ process: ChildProcess; stop(): Promise<void> }> {
  mkdirSync(folder, { recursive: true });
  const [command, ...args] = [...prefix, ...peer.command(zones, port, folder)];
  const child = spawn(command!, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-4000));
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), 3000);
    await exited;
    clearTimeout(killer);
  };
  const query = encodeQuery(zones[0]!.origin.slice(0, -1), "SOA");
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${peer.name} ended: ${output}`);
    const answer = await exchangeUdp({ address: "127.0.0.1", port }, query, 100).catch(() => undefined);
    if (answer && (answer[3]! & 15) === 0) return { process: child, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`${peer.name} does not answer: ${output}`);
}
