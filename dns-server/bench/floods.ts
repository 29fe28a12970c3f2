import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { Command } from "commander";
import { newKey, writeKeyFile } from "../dnssec/key.ts";
import { encodeQuery } from "../testing/client.ts";
import { FakeApiServer, fakePod } from "../testing/fake-api-server.ts";
import { EDNS_DO, Opcode, Type } from "../wire/constants.ts";
import { parseEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { parseName } from "../wire/name.ts";
import { signRequest, type TsigKey } from "../wire/tsig.ts";
import type { FloodTask } from "./flood.ts";
import type { LatencyTask } from "./latency.ts";
import { usage } from "./process.ts";
import { machine, median, quantile, table } from "./report.ts";

/**
 * `npm run bench:floods`: what is cheap to ask and was once slow to answer, sent as a flood, and what others who ask a plain question feel of
 * it: the 99th percentile of their latency, over the one while the same flood goes to somebody else.
 */

interface Flood {
  readonly name: string;
  readonly server: "cluster" | "zones";
  readonly protocol: FloodTask["protocol"];
  readonly messages: readonly Uint8Array[];
  /** Messages a second, instead of the usual rate. */
  readonly rate?: number;
}

const PODS = 5000;
const PLAIN = { cluster: "plain.peak", zones: "www.big.test" } as const;
const PACE_MS = 2;

/** A query with an OPT record. @param flags DO @param version of EDNS @param options octets */
function edns(query: Buffer, flags = 0, version = 0, options: Uint8Array = Buffer.alloc(0)): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(Type.OPT, 1);
  opt.writeUInt16BE(1232, 3);
  opt[6] = version;
  opt.writeUInt16BE(flags, 7);
  opt.writeUInt16BE(options.length, 9);
  const message = Buffer.concat([query, opt, options]);
  message.writeUInt16BE(1, 10);
  return message;
}

function withOpcode(query: Buffer, opcode: number): Buffer {
  const message = Buffer.from(query);
  message[2] = opcode << 3;
  return message;
}

/** A query with as many additional records as fit, the name of each by a pointer into one of 127 labels. */
function pointers(size: number): Buffer {
  const query = encodeQuery(`${"a.".repeat(120)}big.test`, "AAAA");
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
  const count = Math.floor((size - query.length) / record.length);
  const message = Buffer.concat([query, ...Array.from({ length: count }, () => record)]);
  message.writeUInt16BE(count, 10);
  return message;
}

const many = (make: (i: number) => Buffer): Buffer[] => Array.from({ length: 500 }, (_, i) => make(i));

function floods(key: TsigKey): Flood[] {
  const wrong: TsigKey = { ...key, secret: Buffer.alloc(32, 1) };
  const unknown: TsigKey = { ...wrong, name: parseName("nobody.") };
  const now = Math.floor(Date.now() / 1000);
  const plain = encodeQuery(PLAIN.zones, "AAAA");
  const nsid = Buffer.from([0, 3, 0, 0]);
  const srv = encodeQuery("_http._tcp.web.peak", "SRV");
  type Messages = readonly Uint8Array[];
  const udp = (name: string, messages: Messages, server: Flood["server"] = "zones"): Flood => ({ name, server, protocol: "udp", messages });
  const tcp = (name: string, rate: number, messages: Messages, server: Flood["server"] = "zones"): Flood => {
    return { name: `TCP: ${name}`, server, protocol: "tcp", messages, rate };
  };
  return [
    udp("plain questions", [plain]),
    udp(`SRV of ${PODS} pods`, [edns(srv)], "cluster"),
    udp("SRV without EDNS", [srv], "cluster"),
    udp("EDNS outside the zones", many((i) => edns(encodeQuery(`x${i}.elsewhere`, "AAAA")))),
    udp("EDNS version 1", [edns(plain, 0, 1)]),
    udp("NSID", [edns(plain, 0, 0, nsid)]),
    udp("ANY", [edns(encodeQuery("big.test", "ANY"))]),
    udp("DS", [encodeQuery("www.big.test", "DS")]),
    udp("TXT of 60 kB", [edns(encodeQuery("txt.big.test", "TXT"))]),
    udp("MX with 500 targets", [edns(encodeQuery("mx.big.test", "MX"))]),
    udp("DO, names of a signed zone", many((i) => edns(encodeQuery(`n${i}.signed.test`, "AAAA"), EDNS_DO))),
    udp("DO, invented names", Array.from({ length: 20_000 }, (_, i) => edns(encodeQuery(`x${i}.signed.test`, "AAAA"), EDNS_DO))),
    udp("UPDATE, unsigned", [withOpcode(encodeQuery("big.test", "SOA"), Opcode.UPDATE)]),
    udp("UPDATE, badly signed", [signRequest(withOpcode(encodeQuery("big.test", "SOA"), Opcode.UPDATE), wrong, now).message]),
    udp("NOTIFY", [withOpcode(encodeQuery("big.test", "SOA"), Opcode.NOTIFY)]),
    udp("questions with an unknown key", [signRequest(plain, unknown, now).message]),
    udp("AXFR", [encodeQuery("big.test", "AXFR")]),
    udp("no messages", many((i) => Buffer.from(plain.subarray(0, 12 + (i % 10))))),
    udp("records by pointers", [pointers(1400)]),
    tcp("plain questions", 100_000, [plain]),
    tcp(`SRV of ${PODS} pods`, 30_000, [srv], "cluster"),
    tcp("TXT of 60 kB", 10_000, [encodeQuery("txt.big.test", "TXT")]),
    tcp("MX with 500 targets", 10_000, [encodeQuery("mx.big.test", "MX")]),
    tcp("AXFR", 30_000, [encodeQuery("big.test", "AXFR")]),
    tcp("badly signed, 60 kB", 1000, [signRequest(pointers(60_000), wrong, now).message]),
    tcp("records by pointers, 60 kB", 1000, [pointers(60_000)]),
    { name: "TCP: idle connections", server: "zones", protocol: "idle", messages: [], rate: 0 },
  ];
}

interface Running {
  readonly endpoint: Endpoint;
  readonly pid: number;
  stop(): Promise<void>;
}

async function serve(folder: string, name: string, config: object): Promise<Running> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify({ listen: ["[::1]:0"], ...config }));
  const main = join(import.meta.dirname, "../main.ts");
  const command = ["-c", "0", process.execPath, main, "serve", "--config", file];
  const child: ChildProcess = spawn("taskset", command, { stdio: ["ignore", "ignore", "pipe"] });
  for await (const line of createInterface(child.stderr!)) {
    if (!line.includes('"serving"')) continue;
    child.stderr!.resume();
    const endpoint = parseEndpoint((JSON.parse(line) as { listen: string[] }).listen[0]!)!;
    return {
      endpoint,
      pid: child.pid!,
      stop: async () => {
        const closed = once(child, "close");
        child.kill();
        await closed;
      },
    };
  }
  throw new Error(`the server ${name} ended before it served`);
}

async function serveCluster(folder: string): Promise<Running> {
  const api = new FakeApiServer();
  await api.start();
  const annotations = { "dns.peak/probe": "off" };
  const ports = [{ name: "http", containerPort: 80 }];
  for (let i = 0; i < PODS; i++)
    api.apply(fakePod(`p${i}`, { domain: "web", addresses: [`fd00::1:${(i + 1).toString(16)}`], ports, annotations }));
  api.apply(fakePod("plain", { domain: "plain", addresses: ["fd00::2:1"], annotations }));
  writeFileSync(join(folder, "kubeconfig"), api.kubeconfig());
  const running = await serve(folder, "cluster", {
    role: "cluster",
    zone: "peak",
    nameServers: [{ name: "ns1.cluster.peak" }],
    kubernetes: { kubeconfig: "kubeconfig" },
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await api.stop();
  };
  return { ...running, stop };
}

function serveZones(folder: string, key: TsigKey): Promise<Running> {
  const head = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns AAAA ::1\nwww AAAA 2001:db8::1\n";
  const lines = (count: number, line: (i: number) => string): string => Array.from({ length: count }, (_, i) => line(i)).join("");
  const address = (i: number): string => `2001:db8::${(i + 1).toString(16)}`;
  const text = `txt TXT ${`"${"x".repeat(250)}" `.repeat(240)}\n`;
  writeFileSync(join(folder, "big"), head + text + lines(500, (i) => `mx MX 10 m${i}\nm${i} AAAA ${address(i)}\n`));
  writeFileSync(join(folder, "signed"), head + lines(500, (i) => `n${i} AAAA ${address(i)}\n`));
  writeKeyFile(join(folder, "key.pem"), parseName("signed.test."), newKey());
  const zones = [{ origin: "big.test", file: "big" }, { origin: "signed.test", file: "signed", dnssec: { keys: ["key.pem"] } }];
  return serve(folder, "zones", { role: "zones", zones, keys: [{ name: "key", secret: Buffer.from(key.secret).toString("base64") }] });
}

/** Something else that the flood can go to, so that what it costs its sender is the same. */
async function sink(): Promise<{ endpoint: Endpoint; close(): void }> {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "::1");
  await once(server, "listening");
  const { address, port } = server.address() as AddressInfo;
  const socket = createSocket("udp6");
  socket.bind(port, address);
  await once(socket, "listening");
  return {
    endpoint: { address, port },
    close: () => {
      server.close();
      socket.close();
    },
  };
}

async function ofThread<T>(file: string, task: object): Promise<T> {
  const [result] = (await once(new Worker(new URL(file, import.meta.url), { workerData: task }), "message")) as [T];
  return result;
}

interface Sample {
  readonly udp: number;
  readonly tcp: number;
  /** Plain questions that got no answer, of those over UDP and TCP. */
  readonly lost: number;
  readonly sent: number;
  readonly cpuSeconds: number;
}

async function sample(flood: Flood, target: Endpoint, server: Running, seconds: number, rate: number): Promise<Sample> {
  const durationMs = 1000 * seconds;
  const before = usage(server.pid).cpuSeconds;
  const query = encodeQuery(PLAIN[flood.server], "AAAA");
  const latency = (protocol: LatencyTask["protocol"]): Promise<{ asked: number; latencies: number[] }> =>
    ofThread("./latency.ts", { server: server.endpoint, query, protocol, durationMs, paceMs: PACE_MS });
  const { messages, protocol } = flood;
  // longer than the latencies are measured, warm-up included
  const task: FloodTask = { server: target, messages, protocol, rate: flood.rate ?? rate, durationMs: durationMs + 1000 };
  const [sent, udp, tcp] = await Promise.all([ofThread<number>("./flood.ts", task), latency("udp"), latency("tcp")]);
  return {
    // who got no answer has waited for ever
    udp: quantile(udp.latencies, 0.99) ?? Infinity,
    tcp: quantile(tcp.latencies, 0.99) ?? Infinity,
    lost: udp.asked + tcp.asked - udp.latencies.length - tcp.latencies.length,
    sent,
    cpuSeconds: usage(server.pid).cpuSeconds - before,
  };
}

const flags = new Command("bench:floods")
  .description("what others feel of floods of questions that are cheap to ask")
  .option("--seconds <n>", "length of one run", Number, 3)
  .option("--repeat <n>", "rounds for each flood; the median counts", Number, 3)
  .option("--rate <n>", "messages a second over UDP", Number, 10_000)
  .option("--only <text>", "only floods whose name has this text", "")
  .parse()
  .opts<{ seconds: number; repeat: number; rate: number; only: string }>();
if (availableParallelism() < 2) throw new Error("two cores are needed: one for the server, one for what it is measured with");
spawnSync("taskset", ["-a", "-c", "-p", "1", String(process.pid)]);
const folder = mkdtempSync(join(tmpdir(), "peak-bench-floods-"));
const key: TsigKey = { name: parseName("key."), algorithm: "hmac-sha256", secret: Buffer.alloc(32, 7) };
const elsewhere = await sink();
const lines: string[][] = [];
try {
  const chosen = floods(key).filter(({ name }) => name.includes(flags.only));
  for (const kind of ["zones", "cluster"] as const) {
    const own = chosen.filter(({ server }) => server === kind);
    if (own.length === 0) continue;
    const server = kind === "zones" ? await serveZones(folder, key) : await serveCluster(folder);
    try {
      for (const flood of own) {
        const rounds: { idle: Sample; busy: Sample }[] = [];
        for (let round = 0; round < flags.repeat; round++)
          rounds.push({
            idle: await sample(flood, elsewhere.endpoint, server, flags.seconds, flags.rate),
            busy: await sample(flood, server.endpoint, server, flags.seconds, flags.rate),
          });
        const of = (figure: (round: (typeof rounds)[number]) => number, digits: number): string => median(rounds.map(figure)).toFixed(digits);
        lines.push([
          flood.name,
          of(({ busy }) => busy.sent / (flags.seconds + 1), 0),
          of(({ busy, idle }) => (1e6 * Math.max(0, busy.cpuSeconds - idle.cpuSeconds)) / busy.sent, 1),
          of(({ idle }) => idle.udp, 2),
          of(({ busy }) => busy.udp, 2),
          of(({ busy, idle }) => busy.udp / idle.udp, 1),
          of(({ idle }) => idle.tcp, 2),
          of(({ busy }) => busy.tcp, 2),
          of(({ busy, idle }) => busy.tcp / idle.tcp, 1),
          of(({ busy }) => busy.lost, 0),
        ]);
        process.stderr.write(`${lines.at(-1)!.join("  ")}\n`);
      }
    } finally {
      await server.stop();
    }
  }
} finally {
  elsewhere.close();
  rmSync(folder, { recursive: true });
}
const header = ["flood", "messages/s", "CPU µs each", "UDP p99 idle", "flooded", "ratio", "TCP p99 idle", "flooded", "ratio", "lost"];
process.stdout.write(`${machine()}; latencies of plain questions in milliseconds\n\n${table(header, lines)}`);
