import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { which } from "../../shell/which.ts";
import { addressesIn, ask, eventually, freePort } from "../../dns-server/testing/client.ts";
import type { Endpoint } from "../../dns-server/wire/endpoint.ts";
import { Folder, Program, startPeakDns } from "./program.ts";

/** Zones between PeakDNS and BIND, Knot DNS and NSD, in both directions: AXFR, NOTIFY and IXFR, all with TSIG. */

let folder: Folder;
let programs: Program[];
let relays: Server[];
beforeEach(() => {
  relays = [];
  folder = new Folder();
  programs = [];
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.stop()));
  for (const relay of relays) relay.close();
  folder.remove();
});

const secret = Buffer.alloc(32, 7).toString("base64");
const keys = [{ name: "xfr", secret }];
const text = (serial: number, more = ""): string =>
  `$TTL 60\n@ SOA ns1 h ${serial} 3600 2 86400 5\n@ NS ns1\nns1 AAAA fd00::1\nMiXed TXT "one"\n${more}`;
const at = (port: number): Endpoint => ({ address: "127.0.0.1", port });
const shown = (port: number): string => `127.0.0.1:${port}`;
/** The longest wait of these servers for anything here is a retry of a few seconds. */
const TRIES = 1200;

const run = (command: readonly string[]): Program => {
  const program = new Program(command);
  programs.push(program);
  return program;
};
const peakDns = async (name: string, config: object): Promise<Program> => {
  const program = await startPeakDns(folder, name, config);
  programs.push(program);
  return program;
};
const has = (port: number, name: string, address: string): Promise<unknown> =>
  eventually(
    async () => addressesIn(await ask(at(port), name, "AAAA").catch(() => ({ answers: [] }) as never)).join(),
    (found) => found === address,
    TRIES,
  );

function update(port: number, ...commands: string[]): void {
  const input = [`server 127.0.0.1 ${port}`, "zone peak.", ...commands, "send", ""].join("\n");
  const flags = ["-y", `hmac-sha256:xfr:${secret}`];
  const { status, stdout, stderr } = spawnSync("nsupdate", flags, { input, encoding: "utf8", timeout: 20_000 });
  expect(status, stdout + stderr).toBe(0);
}

const many = (count: number): string =>
  Array.from({ length: count }, (_, i) => `n${i} AAAA fd00:1::${(i & 0xffff).toString(16)}\n`).join("");

/** Another server, as it is configured for the zone. */
interface Other {
  readonly name: string;
  readonly binary: string;
  /** Starts it as a secondary on `port`. */
  secondary(port: number, primary: number): void;
  /** Starts it as a primary on `port`, with `more` records than the usual ones. @returns what adds a name, with an address */
  primary(port: number, secondary: number, more?: string): (name: string, address: string) => void;
}

const tsig = {
  bind: `key "xfr" { algorithm hmac-sha256; secret "${secret}"; };`,
  knot: ["key:", "  - id: xfr", "    algorithm: hmac-sha256", `    secret: ${secret}`],
};

function startNamed(port: number, zone: string): void {
  const options = [
    `options { directory "${folder.path}"; pid-file "${folder.path}/named.pid"; session-keyfile "${folder.path}/session.key";`,
    `  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; dnssec-validation no; notify-delay 0; };`,
  ];
  run(["named", "-g", "-n", "1", "-c", folder.write("named.conf", [tsig.bind, ...options, "controls { };", zone])]);
}

const knotBase = (port: number): string[] => [
  "server:",
  `  rundir: ${folder.path}`,
  `  listen: 127.0.0.1@${port}`,
  "log:",
  "  - target: stderr",
  "    any: info",
  "database:",
  `  storage: ${folder.path}`,
  ...tsig.knot,
];
const knotRemote = (port: number): string[] => ["remote:", "  - id: other", `    address: 127.0.0.1@${port}`, "    key: xfr"];
const startKnot = (lines: readonly string[]): Program => run(["knotd", "-c", folder.write("knot.conf", lines)]);

const nsdBase = (port: number): string[] => [
  "server:",
  "  server-count: 1",
  `  ip-address: 127.0.0.1@${port}`,
  '  username: ""',
  '  database: ""',
  `  zonesdir: ${folder.path}`,
  `  pidfile: ${folder.path}/nsd.pid`,
  `  xfrdfile: ${folder.path}/xfrd.state`,
  `  zonelistfile: ${folder.path}/zone.list`,
  `  xfrdir: ${folder.path}`,
  "  xfrd-reload-timeout: 0",
  "remote-control:",
  "  control-enable: no",
  "key:",
  "  name: xfr",
  "  algorithm: hmac-sha256",
  `  secret: ${secret}`,
  "zone:",
  "  name: peak",
  "  zonefile: peak.zone",
];
const startNsd = (lines: readonly string[]): Program => run(["nsd", "-d", "-c", folder.write("nsd.conf", lines)]);

const others: readonly Other[] = [
  {
    name: "BIND",
    binary: "named",
    secondary: (port, primary) =>
      startNamed(
        port,
        [
          `zone "peak" { type secondary; primaries port ${primary} { 127.0.0.1 key xfr; };`,
          '  file "peak.secondary"; allow-notify { key xfr; }; };',
        ].join("\n"),
      ),
    primary: (port, secondary, more) => {
      folder.write("peak.zone", text(10, more));
      startNamed(
        port,
        [
          'zone "peak" { type primary; file "peak.zone"; allow-transfer { key xfr; }; allow-update { key xfr; };',
          `  notify explicit; also-notify { 127.0.0.1 port ${secondary} key xfr; }; };`,
        ].join("\n"),
      );
      return (name, address) => update(port, `update add ${name}. 60 AAAA ${address}`);
    },
  },
  {
    name: "Knot DNS",
    binary: "knotd",
    secondary: (port, primary) => {
      const acl = ["acl:", "  - id: notify", "    key: xfr", "    action: notify"];
      const file = `    file: ${join(folder.path, "peak.secondary")}`;
      const zone = ["zone:", "  - domain: peak", file, "    master: other", "    acl: notify"];
      startKnot([...knotBase(port), ...knotRemote(primary), ...acl, ...zone]);
    },
    primary: (port, secondary, more) => {
      const acl = ["acl:", "  - id: all", "    key: xfr", "    action: [transfer, update]"];
      const file = `    file: ${folder.write("peak.zone", text(10, more))}`;
      const zone = ["zone:", "  - domain: peak", file, "    notify: other", "    acl: all"];
      startKnot([...knotBase(port), ...knotRemote(secondary), ...acl, ...zone]);
      return (name, address) => update(port, `update add ${name}. 60 AAAA ${address}`);
    },
  },
  {
    name: "NSD",
    binary: "nsd",
    secondary: (port, primary) =>
      void startNsd([...nsdBase(port), "  allow-notify: 127.0.0.1 xfr", `  request-xfr: 127.0.0.1@${primary} xfr`]),
    primary: (port, secondary, more = "") => {
      let serial = 10;
      folder.write("peak.zone", text(serial, more));
      const nsd = startNsd([...nsdBase(port), "  provide-xfr: 127.0.0.1 xfr", `  notify: 127.0.0.1@${secondary} xfr`]);
      return (name, address) => {
        more += `${name}. AAAA ${address}\n`;
        folder.write("peak.zone", text(++serial, more));
        nsd.hup();
      };
    },
  },
];

describe.each(others)("$name", (other) => {
  test.skipIf(!which(other.binary) || !which("nsupdate"))("is secondary of PeakDNS", async () => {
    const [primary, secondary, http] = [await freePort(), await freePort(), await freePort()];
    await peakDns("primary", {
      role: "root",
      listen: [shown(primary)],
      http: shown(http),
      zone: "peak",
      records: text(10),
      keys,
      updates: { journal: "journal", grants: [{ key: "xfr", names: ["*.peak"], types: ["AAAA"] }] },
      transfer: { keys: ["xfr"], notify: [{ server: shown(secondary), key: "xfr" }] },
    });
    other.secondary(secondary, primary);
    await has(secondary, "ns1.peak", "fd00::1");
    update(primary, "update add a.peak. 60 AAAA fd00::a", "update add b.peak. 60 AAAA fd00::b");
    await has(secondary, "a.peak", "fd00::a");
    update(primary, "update delete a.peak. AAAA", "update add b.peak. 60 AAAA fd00::c");
    await has(secondary, "a.peak", "");
    await has(secondary, "b.peak", "fd00::b,fd00::c");
    const metrics = await (await fetch(`http://${shown(http)}/metrics`)).text();
    expect(metrics).toMatch(/peakdns_transfers_total\{direction="out",kind="axfr",result="done"\} [1-9]/);
    expect(metrics).toMatch(/peakdns_transfers_total\{direction="out",kind="ixfr",result="done"\} [1-9]/);
    expect(metrics).toMatch(/peakdns_notifies_total\{direction="out",result="answered"\} [1-9]/);
  });

  test.skipIf(!which(other.binary) || !which("nsupdate"))("is primary of PeakDNS", async () => {
    const [primary, secondary, http] = [await freePort(), await freePort(), await freePort()];
    const change = other.primary(primary, secondary);
    await peakDns("secondary", {
      role: "secondary",
      listen: [shown(secondary)],
      http: shown(http),
      keys,
      zones: [{ origin: "peak", primaries: [shown(primary)], key: "xfr", file: "saved" }],
    });
    await has(secondary, "ns1.peak", "fd00::1");
    change("a.peak", "fd00::a");
    await has(secondary, "a.peak", "fd00::a");
    change("b.peak", "fd00::b");
    await has(secondary, "b.peak", "fd00::b");
    const metrics = await (await fetch(`http://${shown(http)}/metrics`)).text();
    expect(metrics).toMatch(/peakdns_notifies_total\{direction="in",result="answered"\} [1-9]/);
    if (other.binary !== "nsd") expect(metrics).toMatch(/peakdns_transfers_total\{direction="in",kind="ixfr",result="done"\} [1-9]/);
  });
});

describe.each(others)("a large zone of $name", (other) => {
  test.skipIf(!which(other.binary))("is had in many messages, of which not every one has a signature", async () => {
    const [primary, secondary] = [await freePort(), await freePort()];
    other.primary(primary, secondary, many(100_000));
    await peakDns("secondary", {
      role: "secondary",
      listen: [shown(secondary)],
      keys,
      zones: [{ origin: "peak", primaries: [shown(primary)], key: "xfr", file: "saved" }],
    });
    await has(secondary, "n99999.peak", "fd00:1::869f");
    await has(secondary, "n0.peak", "fd00:1::");
  });
});

describe("PeakDNS on both sides", () => {
  const start = (name: string, port: number, config: object): Promise<Program> => peakDns(name, { listen: [shown(port)], keys, ...config });

  /** Passes a connection on, octets from the other end counted. */
  async function relay(to: number, count: (octets: number) => void): Promise<number> {
    const server = createServer((socket) => {
      const other = connect(to, "127.0.0.1");
      const end = (): void => void (socket.destroy(), other.destroy());
      for (const side of [socket, other]) side.on("error", end).on("close", end);
      other.on("data", (chunk) => count(chunk.length));
      socket.pipe(other).pipe(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    relays.push(server);
    return (server.address() as AddressInfo).port;
  }

  test("a primary killed in the middle of a transfer: the old version stays, the new one comes when it is back", async () => {
    const [primaryPort, port] = [await freePort(), await freePort()];
    const primary = async (records: string): Promise<Program> => {
      folder.write("peak.zone", records);
      return start("primary", primaryPort, {
        role: "zones",
        zones: [{ origin: "peak", file: "peak.zone", transfer: { keys: ["xfr"], notify: [shown(port)] } }],
      });
    };
    let left = 1 << 20;
    let running = await primary(text(10));
    const relayed = await relay(primaryPort, (octets) => {
      if (left > 0 && (left -= octets) <= 0) void running.stop("SIGKILL");
    });
    const zones = [{ origin: "peak", primaries: [shown(relayed)], key: "xfr", file: "saved" }];
    const secondary = await start("secondary", port, { role: "secondary", zones });
    await has(port, "ns1.peak", "fd00::1");
    await running.stop("SIGKILL");
    running = await primary(text(11, many(100_000)));
    await secondary.printed(/cannot refresh the zone, keeping the last version/);
    expect(left).toBeLessThanOrEqual(0);
    expect(addressesIn(await ask(at(port), "ns1.peak", "AAAA"))).toEqual(["fd00::1"]);
    expect(readFileSync(join(folder.path, "saved"), "utf8")).toContain(" 10 3600 ");
    await primary(text(11, many(100_000)));
    await has(port, "n99999.peak", "fd00:1::869f");
    // killed while it saves: what is on the disk is the one version or the other
    await secondary.stop("SIGKILL");
    expect(readFileSync(join(folder.path, "saved"), "utf8").split("\n").length - 1).toSatisfy((lines) => lines === 4 || lines === 100_004);
  });

  test("the secondary serves while the primary is away, over its own restart too", async () => {
    const [primaryPort, port] = [await freePort(), await freePort()];
    folder.write("peak.zone", text(10));
    const offered = [{ origin: "peak", file: "peak.zone", transfer: { keys: ["xfr"] } }];
    const primary = await start("primary", primaryPort, { role: "zones", zones: offered });
    const config = { role: "secondary", zones: [{ origin: "peak", primaries: [shown(primaryPort)], key: "xfr", file: "saved" }] };
    const secondary = await start("secondary", port, config);
    await has(port, "ns1.peak", "fd00::1");
    await primary.stop("SIGKILL");
    await secondary.stop("SIGKILL");
    await start("secondary", port, config);
    expect(addressesIn(await ask(at(port), "ns1.peak", "AAAA"))).toEqual(["fd00::1"]);
  });
});
