import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { Command } from "commander";
import { encodeQuery } from "../testing/client.ts";
import { BenchCluster } from "./cluster.ts";
import type { LatencyTask } from "./latency.ts";
import { usage } from "./process.ts";
import { machine, median, quantile, table } from "./report.ts";

/**
 * `npm run bench:steering`: a server in the role cluster from outside, on a core of its own. How soon an answer follows an event of the API
 * server and the loads of Prometheus, what an event costs, and what askers feel of it.
 */

/** Milliseconds, but for the size. */
interface Result {
  readonly pods: number;
  /** From an event to the first answer that has it. */
  readonly eventP50: number;
  readonly eventP99: number;
  /** CPU of the server for each event. */
  readonly cpu: number;
  /** From the query that Prometheus gets to the first answer that follows its loads. */
  readonly round: number;
  /** Of answers while nothing changes, and while views are swapped. */
  readonly idleP99: number;
  readonly busyP99: number;
  readonly residentMib: number;
}

const EVENTS = 200;
/** Between two events while CPU and latency are measured, milliseconds. */
const EVENT_PACE = 25;
const PACE = 2;
const ROUNDS = 5;

async function latencies(cluster: BenchCluster, durationMs: number): Promise<readonly number[]> {
  const task: LatencyTask = { server: cluster.endpoint, query: encodeQuery(cluster.name, "AAAA"), protocol: "udp", durationMs, paceMs: PACE };
  const worker = new Worker(new URL("./latency.ts", import.meta.url), { workerData: task });
  const [result] = (await once(worker, "message")) as [{ asked: number; latencies: number[] }];
  if (result.latencies.length < result.asked) throw new Error(`${result.asked - result.latencies.length} of ${result.asked} got no answer`);
  return result.latencies;
}

async function cpuDuring(cluster: BenchCluster, work: () => Promise<unknown>): Promise<number> {
  const before = usage(cluster.pid).cpuSeconds;
  await work();
  return 1000 * (usage(cluster.pid).cpuSeconds - before);
}

async function events(cluster: BenchCluster): Promise<void> {
  for (let i = 0; i < EVENTS; i++) {
    cluster.movePod(1 + (i % (cluster.size - 1)));
    await sleep(EVENT_PACE);
  }
}

async function measure(pods: number): Promise<Result> {
  const cluster = new BenchCluster(pods);
  try {
    await cluster.start(["taskset", "-c", "0"]);
    const toAnswer: number[] = [];
    for (let i = 0; i < EVENTS; i++) {
      const pod = 1 + ((7 * i) % (pods - 1));
      const start = performance.now();
      cluster.movePod(pod);
      await cluster.seesPod(pod);
      toAnswer.push(performance.now() - start);
      await sleep(5);
    }
    const rounds: number[] = [];
    for (let i = 1; i <= ROUNDS; i++) {
      cluster.best = i % pods;
      await cluster.seesBest();
      rounds.push(performance.now() - cluster.askedAt);
    }
    const duration = EVENTS * EVENT_PACE;
    const idleCpu = await cpuDuring(cluster, () => sleep(duration));
    const busyCpu = await cpuDuring(cluster, () => events(cluster));
    const idle = await latencies(cluster, duration);
    const [busy] = await Promise.all([latencies(cluster, duration), events(cluster)]);
    return {
      pods,
      eventP50: median(toAnswer),
      eventP99: quantile(toAnswer, 0.99),
      cpu: Math.max(0, busyCpu - idleCpu) / EVENTS,
      round: median(rounds),
      idleP99: quantile(idle, 0.99),
      busyP99: quantile(busy, 0.99),
      residentMib: usage(cluster.pid).residentMib,
    };
  } finally {
    await cluster.stop();
  }
}

const format = (result: Result): string[] => [
  String(result.pods),
  ...[result.eventP50, result.eventP99, result.cpu, result.round, result.idleP99, result.busyP99].map((value) => value.toFixed(2)),
  result.residentMib.toFixed(0),
];

const flags = new Command("bench:steering")
  .description("measure how a cluster's server follows events and loads; figures in milliseconds")
  .option("--pods <n...>", "numbers of pods, each in a server of its own", ["10", "100", "1000", "5000"])
  .option("--json", "print one JSON document in the end, and nothing else", false)
  .parse()
  .opts<{ pods: string[]; json: boolean }>();
if (availableParallelism() < 2) throw new Error("two cores are needed: one for the server, one for what it is measured with");
spawnSync("taskset", ["-a", "-c", "-p", "1", String(process.pid)]);
const results: Result[] = [];
for (const pods of flags.pods) results.push(await measure(Number(pods)));
const header = ["pods", "event p50", "event p99", "CPU/event", "round", "answer p99 idle", "answer p99 busy", "memory MiB"];
if (flags.json) process.stdout.write(`${JSON.stringify({ machine: machine(), results }, undefined, 2)}\n`);
else process.stdout.write(`${machine()}; milliseconds\n\n${table(header, results.map(format))}`);
