import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { which } from "../../shell/which.ts";
import { freePort } from "../testing/client.ts";
import { coredns, isInstalled, knot, named, nsd, powerdns, startPeer, type Peer } from "../testing/peers.ts";
import { usage } from "./process.ts";
import { machine, median, table } from "./report.ts";
import { benchRows, type Row } from "./zones.ts";

/**
 * `npm run bench:dns`: PeakDNS and its peers over the same zones on one core, with dnsperf on the other. The servers take turns, some
 * rounds for each row, so that what else the machine does meets all of them. Figures are medians; a ratio is the median of the rounds'.
 */

interface Run {
  readonly queriesPerSecond: number;
  readonly lost: number;
  /** Of the server for each answered query, user and system, children included. */
  readonly cpuMicros: number;
  readonly residentMib: number;
}

interface Result extends Run {
  readonly server: string;
  /** CPU time a query of PeakDNS over this server's. */
  readonly ratio: number;
}

interface RowResult {
  readonly row: string;
  readonly results: readonly Result[];
  /** Lost by PeakDNS when asked as fast as Knot could answer. */
  readonly lostAtKnotsRate: number | undefined;
}

interface Running {
  readonly peer: Peer;
  readonly port: number;
  readonly pid: number;
  readonly runs: Run[];
  stop(): Promise<void>;
}

/** As in the Dockerfile. */
const NODE = ["env", "MALLOC_ARENA_MAX=1", process.execPath, "--max-semi-space-size=2", "--v8-pool-size=1", "--optimize-for-size"];
const peakdns: Peer = {
  name: "PeakDNS",
  binary: "node",
  command: (zones, port) => [
    ...NODE,
    join(import.meta.dirname, "../main.ts"),
    "serve",
    "--listen",
    `127.0.0.1:${port}`,
    ...zones.flatMap(({ origin, file }) => ["--zone", `${origin}=${file}`]),
  ],
};
const SERVERS = [peakdns, knot, nsd, named, powerdns, coredns];
const SERVER_CORE = ["taskset", "-c", "0"];
const LOAD_CORE = ["taskset", "-c", "1"];
/** dnsperf: 16 sockets, 500 queries under way. */
const LOAD = ["-c", "16", "-q", "500", "-t", "2"];

const execute = promisify(execFile);

/** One run of dnsperf against a server. @param rate queries/s at most; as many as it can when absent */
async function load(row: Row, { port, pid }: Running, seconds: number, rate?: number): Promise<Run> {
  const before = usage(pid);
  const [command, ...args] = [...LOAD_CORE, "dnsperf", "-s", "127.0.0.1", "-p", String(port), "-d", row.questions, ...LOAD, ...row.flags];
  const limits = ["-l", String(seconds), ...(rate === undefined ? [] : ["-Q", String(Math.floor(rate))])];
  const { stdout } = await execute(command!, [...args, ...limits]);
  const after = usage(pid);
  const figure = (pattern: RegExp): number => {
    const match = pattern.exec(stdout);
    if (!match) throw new Error(`dnsperf printed no ${pattern.source}:\n${stdout}`);
    return Number(match[1]);
  };
  return {
    queriesPerSecond: figure(/Queries per second:\s+([\d.]+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / figure(/Queries completed:\s+(\d+)/),
    residentMib: after.residentMib,
  };
}

async function measure(row: Row, peers: readonly Peer[], folder: string, seconds: number, rounds: number): Promise<RowResult> {
  const servers: Running[] = [];
  try {
    for (const peer of peers) {
      const port = await freePort();
      const { process: child, stop } = await startPeer(peer, row.zones, port, join(folder, peer.binary), SERVER_CORE);
      servers.push({ peer, port, pid: child.pid!, runs: [], stop });
    }
    for (const server of servers) await load(row, server, 1);
    for (let round = 0; round < rounds; round++) for (const server of servers) server.runs.push(await load(row, server, seconds));
    const ours = servers[0]!;
    const results = servers.map(({ peer, runs }): Result => {
      const middle = (figure: keyof Run): number => median(runs.map((run) => run[figure]));
      return {
        server: peer.name,
        queriesPerSecond: middle("queriesPerSecond"),
        lost: middle("lost"),
        cpuMicros: middle("cpuMicros"),
        residentMib: middle("residentMib"),
        ratio: median(runs.map(({ cpuMicros }, round) => ours.runs[round]!.cpuMicros / cpuMicros)),
      };
    });
    const knots = results.find(({ server }) => server === knot.name)?.queriesPerSecond;
    return {
      row: row.name,
      results,
      lostAtKnotsRate: knots === undefined ? undefined : (await load(row, ours, seconds, knots)).lost,
    };
  } finally {
    for (const server of servers) await server.stop();
  }
}

function formatRow({ row, results, lostAtKnotsRate }: RowResult): string {
  const lines = results.map(({ server, queriesPerSecond, lost, cpuMicros, residentMib, ratio }) => [
    server,
    queriesPerSecond.toFixed(0),
    String(lost),
    cpuMicros.toFixed(2),
    residentMib.toFixed(0),
    server === peakdns.name ? "" : ratio.toFixed(2),
  ]);
  const atKnots = lostAtKnotsRate === undefined ? "" : `At the rate that Knot sustained, PeakDNS lost ${lostAtKnotsRate}.\n`;
  return `${row}\n\n${table(["server", "queries/s", "lost", "CPU µs/query", "memory MiB", "PeakDNS's CPU over its"], lines)}${atKnots}\n`;
}

/** CPU of PeakDNS in each row, and over that of each peer; memory last. */
function formatSummary(rows: readonly RowResult[]): string {
  const peers = rows[0]!.results.slice(1).map(({ server }) => server);
  const lines = rows.map(({ row, results }) => {
    const memory = (name: string): string => results.find(({ server }) => server === name)?.residentMib.toFixed(0) ?? "";
    return [
      row,
      results[0]!.cpuMicros.toFixed(2),
      ...results.slice(1).map(({ ratio }) => ratio.toFixed(2)),
      [peakdns, knot, coredns].map(({ name }) => memory(name) || "-").join(" / "),
    ];
  });
  const header = ["", "CPU µs/query", ...peers.map((peer) => `over ${peer}`), "MiB: PeakDNS / Knot / CoreDNS"];
  return `${machine()}\n\n${table(header, lines)}`;
}

async function main(): Promise<void> {
  const flags = new Command("bench:dns")
    .description("compare name servers over the same zones")
    .option("--seconds <n>", "length of one run", Number, 4)
    .option("--repeat <n>", "rounds for each row; the median counts", Number, 5)
    .option("--only <text>", "only rows whose name has this text", "")
    .option("--json", "print one JSON document in the end, and nothing else", false)
    .parse()
    .opts<{ seconds: number; repeat: number; only: string; json: boolean }>();
  if (availableParallelism() < 2) throw new Error("two cores are needed: one for the server, one for the load");
  if (!which("dnsperf")) throw new Error("dnsperf is not installed (Debian: apt-get install dnsperf)");
  const say = (text: string): void => void (flags.json || process.stdout.write(text));
  const servers = SERVERS.filter((peer) => peer === peakdns || isInstalled(peer));
  const absent = SERVERS.filter((peer) => !servers.includes(peer)).map(({ name }) => name);
  if (absent.length > 0) say(`not installed: ${absent.join(", ")}\n\n`);
  const folder = mkdtempSync(join(tmpdir(), "peak-bench-dns-"));
  const rows: RowResult[] = [];
  try {
    for (const row of benchRows(folder).filter(({ name }) => name.includes(flags.only))) {
      const result = await measure(row, servers, folder, flags.seconds, flags.repeat);
      rows.push(result);
      say(formatRow(result));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (rows.length > 0) say(formatSummary(rows));
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`);
}

await main();
