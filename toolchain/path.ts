import { open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../shell/run.ts";
import { which } from "../shell/which.ts";
import { cacheRoot } from "./cache.ts";
import { type Arch, type Product, hostArch } from "./products.ts";

type Version = readonly [number, number, number];

/** What is on PATH: its version, and the real path of each binary by name. */
export interface Found {
  version: string;
  files: ReadonlyMap<string, string>;
}

/** ELF machine numbers. */
const machines: Record<Arch, number> = { amd64: 62, arm64: 183 };

/** All of a product's binaries on PATH, if each is there, for this architecture and new enough. The version is that of the first binary. */
export async function findOnPath(product: Product, arch: Arch, signal?: AbortSignal): Promise<Found | undefined> {
  // A binary of another architecture cannot be asked for its version.
  if (arch !== hostArch) return undefined;
  const files = new Map<string, string>();
  for (const binary of product.binaries) {
    const link = which(binary);
    if (link === undefined) return undefined;
    const file = await realpath(link);
    // Ours from an earlier run is no find, and a wrapper script is nothing to copy to a node.
    if (file.startsWith(join(cacheRoot(), "/")) || !(await isProgram(file, arch))) return undefined;
    files.set(binary, file);
  }
  let version: string | undefined;
  for (const [binary, file] of files) {
    const text = await run(file, product.versionArgs(binary), { signal }).catch(() => "");
    signal?.throwIfAborted();
    const found = parseVersion(text);
    if (!found || !isNewEnough(product, found)) return undefined;
    version ??= found.join(".");
  }
  return version === undefined ? undefined : { version, files };
}

/** The first version in a text, such as "etcd Version: 3.7.3" or "Kubernetes v1.36.3". */
export function parseVersion(text: string): Version | undefined {
  const match = /(?<![\d.])v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

export function isNewEnough(product: Pick<Product, "version" | "compatible">, [major, minor, patch]: Version): boolean {
  const pinned = parseVersion(product.version);
  if (!pinned || major !== pinned[0]) return false;
  if (minor !== pinned[1]) return product.compatible === "major" && minor > pinned[1];
  return patch >= pinned[2];
}

async function isProgram(file: string, arch: Arch): Promise<boolean> {
  await using handle = await open(file);
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(20), 0, 20, 0);
  return bytesRead === 20 && buffer.toString("latin1", 0, 4) === "\x7fELF" && buffer.readUInt16LE(18) === machines[arch];
}
