/**
 * What the local stack costs: `npm run bench:stack -- [--repeats N] [--cold]`. Brings it up and destroys it again, and prints the median
 * and the range of each figure. With --cold, it is brought up once more with empty caches, so that all is fetched and built.
 */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { layout } from "../../programs/virtual/layout.ts";
import { list } from "../../programs/virtual/sweep.ts";
import { megabytes } from "../../toolchain/progress.ts";

const root = join(import.meta.dirname, "../..");

/** How often memory is looked at, in milliseconds. */
const SAMPLE = 1000;

/** Figures of one kind, in the order in which they were taken: milliseconds or bytes. */
const figures = new Map<string, number[]>();
const formats = { time: (value: number) => `${(value / 1000).toFixed(1)} s`, memory: megabytes };

const { repeats, cold } = new Command("bench:stack")
  .option("--repeats <n>", "how many times", Number, 3)
  .option("--cold", "once with empty caches, too", false)
  .parse()
  .opts<{ repeats: number; cold: boolean }>();

if (process.getuid?.() !== 0) fail("needs root: use sudo");
if (Object.values(await list(layout())).some((entries) => entries.length > 0))
  fail("the local stack is up, and this would destroy it: ./peak destroy first");

try {
  if (cold) {
    const dir = await mkdtemp(join(tmpdir(), "peak-bench-"));
    try {
      const empty = { PEAK_CACHE: join(dir, "peak"), GOCACHE: join(dir, "go-build"), GOPATH: join(dir, "go"), GOFLAGS: "-modcacherw" };
      await measure("cold up", ["up"], empty);
      await measure("", ["destroy"], empty);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
  await measure("", ["up"]); // fills the caches
  await measure("", ["destroy"]);
  for (let round = 0; round < repeats; round++) {
    await measure("warm up", ["up"]);
    note("memory, up", await memory([]));
    await measure("no-op up", ["up"]);
    await measure("preview", ["preview"]);
    await measure("destroy", ["destroy"]);
  }
} finally {
  await peak(["destroy"]);
}

const rows = [...figures].map(([name, values]) => {
  const format = formats[name.startsWith("memory") ? "memory" : "time"];
  const sorted = values.toSorted((a, b) => a - b);
  return [name, format(median(sorted)), `${format(sorted[0]!)} to ${format(sorted.at(-1)!)}`, String(sorted.length)];
});
process.stdout.write(`\n${cpus().length} cores (${cpus()[0]?.model})\n\n`);
for (const row of [["", "median", "range", "runs"], ...rows])
  process.stdout.write(`${row.map((cell, column) => cell.padEnd([32, 14, 28][column] ?? 0)).join("")}\n`);

/** Runs a command of ./peak; notes its time, and the most memory that it and the stack took together. Without a name, it is only run. */
async function measure(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  process.stderr.write(`${name || args.join(" ")} ...\n`);
  const started = Date.now();
  let most = 0;
  const { done, pid } = start(args, env);
  const sampling = new AbortController();
  const samples = (async () => {
    while (!sampling.signal.aborted) {
      most = Math.max(most, await memory([pid]));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE));
    }
  })();
  const code = await done;
  const took = Date.now() - started;
  sampling.abort();
  await samples;
  if (code !== 0) throw new Error(`./peak ${args.join(" ")} failed`);
  if (name === "") return;
  note(name, took);
  if (args[0] === "up") note(`memory, most in ${name}`, most);
}

async function peak(args: readonly string[]): Promise<void> {
  await start(args, {}).done;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): { pid: number; done: Promise<number | null> } {
  const child = spawn(join(root, "peak"), args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] });
  const done = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("exit", resolve));
  return { pid: child.pid ?? 0, done };
}

/** Bytes of the stack's processes and of these with their descendants: the proportional set size, where shared pages count once. */
async function memory(roots: readonly number[]): Promise<number> {
  const pids = new Set((await list(layout())).processes.map(({ pid }) => pid));
  for (const pid of await withDescendants(roots)) pids.add(pid);
  const sizes = await Promise.all(
    [...pids].map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => ""); // it has ended
      return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    }),
  );
  return sizes.reduce((a, b) => a + b, 0);
}

async function withDescendants(roots: readonly number[]): Promise<Set<number>> {
  const children = new Map<number, number[]>();
  for (const name of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = new Set(roots);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return found;
}

function note(name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), value]);
}

function median(sorted: readonly number[]): number {
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function fail(message: string): never {
  process.stderr.write(`bench:stack: ${message}\n`);
  process.exit(2);
}
