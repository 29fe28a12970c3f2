import { existsSync } from "node:fs";
import { readdir, readFile, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { missingPackages } from "../../programs/virtual/host-packages.ts";
import { layout } from "../../programs/virtual/layout.ts";
import { stranger } from "../../programs/virtual/owner.ts";
import { run } from "../../shell/run.ts";
import { which } from "../../shell/which.ts";
import { cacheRoot } from "../../toolchain/cache.ts";
import { productNames } from "../../toolchain/products.ts";
import { hasLocalState } from "../engine/environment.ts";
import { committedConfig } from "../engine/stack-file.ts";
import { leftovers } from "../engine/sweep.ts";
import { LOCAL } from "../stacks.ts";
import type { Facts } from "./findings.ts";

/** Finds out what there is to know of this host, and changes nothing on it. */
export async function gatherFacts(): Promise<Facts> {
  const uid = process.getuid?.();
  const names = layout();
  return {
    platform: process.platform,
    uid,
    kernel: uid === 0 && which("ip") ? await tryKernel() : undefined,
    disk: { nodes: await freeSpace(names.state), cache: await freeSpace(cacheRoot()) },
    memory: await availableMemory(),
    missing: await missingPackages(),
    apt: which("apt-get") !== undefined,
    cached: await cachedProducts(),
    cacheRoot: cacheRoot(),
    go: await goVersion(),
    present: await present(),
    stranger: await stranger(names),
    hasState: await hasLocalState(),
    prefixes: await prefixes(),
    routes: await routes(),
    ownLink: names.link,
  };
}

/** Tries each feature in namespaces that end with the trial, and prints the names of those that work. */
const trial = `
echo netns
ip link add name peak-trial type bridge && echo bridge
ip link add name peak-trial0 type veth peer name peak-trial1 && echo veth
[ -d /proc/sys/net/ipv6 ] && echo ipv6
if command -v nft; then nft list ruleset; else grep -w nf_tables_newtable /proc/kallsyms || modprobe -n nf_tables; fi >/dev/null &&
  echo nftables
mount -t tmpfs peak-trial /tmp && cd /tmp && mkdir lower upper work merged &&
  mount -t overlay peak-trial -o lowerdir=lower,upperdir=upper,workdir=work merged && echo overlay
exit 0`;

async function tryKernel(): Promise<Set<string>> {
  const said = await run("unshare", ["--net", "--mount", "sh", "-c", trial]).catch(() => "");
  return new Set(said.split("\n").filter(Boolean));
}

/** Free bytes of the file system that a path is on, or will be. */
async function freeSpace(path: string): Promise<number> {
  if (!existsSync(path)) return freeSpace(dirname(path));
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

async function availableMemory(): Promise<number> {
  const table = await readFile("/proc/meminfo", "utf8").catch(() => "");
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(table)?.[1] ?? 0) * 1024;
}

async function cachedProducts(): Promise<string[]> {
  const entries = await readdir(cacheRoot()).catch(() => []);
  return productNames.filter((product) => entries.some((entry) => entry.startsWith(`${product}-`)));
}

async function goVersion(): Promise<string | undefined> {
  // Without a home, Go does not note down there that it was run.
  const { HOME: _home, XDG_CONFIG_HOME: _config, ...env } = process.env;
  return run("go", ["env", "GOVERSION"], { env }).then((version) => version.trim(), () => undefined);
}

async function present(): Promise<string[]> {
  return Object.entries(await leftovers()).flatMap(([kind, entries]) => (entries.length > 0 ? [`${entries.length} ${kind}`] : []));
}

async function prefixes(): Promise<Record<string, string>> {
  const config = await committedConfig(LOCAL);
  return Object.fromEntries(["peak:ulaPrefix", "peak:globalPrefix"].flatMap((key) => (config[key] ? [[key, String(config[key])]] : [])));
}

const routeTable = z.array(z.object({ dst: z.string(), dev: z.string().optional() }));

async function routes(): Promise<Facts["routes"]> {
  const said = await run("ip", ["-json", "-6", "route", "show"]).catch(() => "");
  const table = routeTable.parse(JSON.parse(said.trim() || "[]"));
  return table.flatMap(({ dst, dev = "no link" }) =>
    dst === "default" ? [] : [{ destination: dst.includes("/") ? dst : `${dst}/128`, link: dev }],
  );
}
