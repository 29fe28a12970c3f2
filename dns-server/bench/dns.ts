import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { freePort } from "../testing/client.ts";
import { coredns, isInstalled, knot, named, nsd, powerdns, startPeer, type Peer } from "../testing/peers.ts";
import { usage } from "./process.ts";
import { benchRows, type Row } from "./zones.ts";

/**
 * `npm run bench:dns`: PeakDNS and its peers over the same zones, one after another on one core, with dnsperf on the other. For each row
 * and
 * server the median of some runs: queries/s, lost queries, CPU time of the server for each answered query, resident memory.
 */

interface Run {
  readonly queriesPerSecond: number;
  readonly lost: number;
  readonly cpuMicros: number;
  readonly residentMib: number;
}

const peakdns: Peer = {
  name: "PeakDNS",
  binary: "node",
  command: (zones, port) => [
    process.execPath,
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

const execute = promisify(execFile);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** One run of dnsperf against a server. @param rate queries/s at most; as many as it can when absent */
async function load(row: Row, port: number, pid: number, seconds: number, rate?: number): Promise<Run> {
  const before = usage(pid);
  const [command, ...args] = [
    ...LOAD_CORE,
    "dnsperf",
    "-s",
    "127.0.0.1",
    "-p",
    String(port),
    "-d",
    row.questions,
    "-l",
    String(seconds),
    "-c",
    "16",
    "-q",
    "500",
    "-t",
    "2",
    ...(rate === undefined ? [] : ["-Q", String(Math.floor(rate))]),
    ...row.flags,
  ];
  const { stdout } = await execute(command!, args);
  const after = usage(pid);
  const figure = (pattern: RegExp): number => {
    const match = pattern.exec(stdout);
    if (!match) throw new Error(`dnsperf printed no ${pattern.source}:\n${stdout}`);
    return Number(match[1]);
  };
  const completed = figure(/Queries completed:\s+(\d+)/);
  return {
    queriesPerSecond: figure(/Queries per second:\s+([\d.]+)/),
    lost: figure(/Queries lost:\s+(\d+)/),
    cpuMicros: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / completed,
    residentMib: after.residentMib,
  };
}

const summarize = (runs: readonly Run[]): Run => ({
  queriesPerSecond: median(runs.map((run) => run.queriesPerSecond)),
  lost: median(runs.map((run) => run.lost)),
  cpuMicros: median(runs.map((run) => run.cpuMicros)),
  residentMib: median(runs.map((run) => run.residentMib)),
});

async function measure(peer: Peer, row: Row, folder: string, options: { seconds: number; repeat: number; rate?: number }): Promise<Run> {
  const port = await freePort();
  const server = await startPeer(peer, row.zones, port, join(folder, peer.binary), SERVER_CORE);
  try {
    const pid = server.process.pid!;
    await load(row, port, pid, 1, options.rate);
    const runs: Run[] = [];
    for (let i = 0; i < options.repeat; i++) runs.push(await load(row, port, pid, options.seconds, options.rate));
    return summarize(runs);
  } finally {
    await server.stop();
  }
}

async function main(): Promise<void> {
  const flags = new Command("bench:dns")
    .description("compare name servers over the same zones")
    .option("--seconds <n>", "length of one run", Number, 5)
    .option("--repeat <n>", "runs for each row and server; the median counts", Number, 3)
    .option("--only <text>", "only rows whose name has this text", "")
    .parse()
    .opts<{ seconds: number; repeat: number; only: string }>();
  if (availableParallelism() < 2) throw new Error("two cores are needed: one for the server, one for the load");
  if (spawnSync("dnsperf", ["-h"]).error) throw new Error("dnsperf is not installed (Debian: apt-get install dnsperf)");
  const servers = SERVERS.filter((peer) => peer === peakdns || isInstalled(peer));
  const absent = SERVERS.filter((peer) => !servers.includes(peer)).map(({ name }) => name);
  if (absent.length > 0) process.stdout.write(`not installed: ${absent.join(", ")}\n`);
  const folder = mkdtempSync(join(tmpdir(), "peak-bench-dns-"));
  try {
    for (const row of benchRows(folder).filter(({ name }) => name.includes(flags.only))) {
      process.stdout.write(
        `\n${row.name}\n${"server".padEnd(12)}${"queries/s".padStart(12)}${"lost".padStart(8)}${"CPU µs/query".padStart(14)}` +
          `${"memory MiB".padStart(12)}  CPU of PeakDNS against it\n`,
      );
      const results = new Map<Peer, Run>();
      for (const peer of servers) {
        const run = await measure(peer, row, folder, flags);
        results.set(peer, run);
        const ratio = peer === peakdns ? "" : `  ${(results.get(peakdns)!.cpuMicros / run.cpuMicros).toFixed(2)}`;
        process.stdout.write(
          `${peer.name.padEnd(12)}${run.queriesPerSecond.toFixed(0).padStart(12)}${String(run.lost).padStart(8)}` +
            `${run.cpuMicros.toFixed(2).padStart(14)}${run.residentMib.toFixed(0).padStart(12)}${ratio}\n`,
        );
      }
      const knots = results.get(knot);
      if (knots) {
        const { lost } = await measure(peakdns, row, folder, { ...flags, rate: knots.queriesPerSecond });
        process.stdout.write(`PeakDNS at the rate that Knot sustained: ${lost} lost\n`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await main();
