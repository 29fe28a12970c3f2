import { createWriteStream } from "node:fs";
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { run } from "../shell/run.ts";
import { cacheFile } from "./cache.ts";
import { hashFile } from "./digest.ts";
import type { Asset } from "./products.ts";
import { type Progress, duration, megabytes } from "./progress.ts";
import { Unavailable } from "./unavailable.ts";

/** How long a host that could not be reached is not tried again, in milliseconds. */
const REMEMBER = 3_600_000;

export interface Timeouts {
  /** From the request to the answer's headers, in milliseconds. Short: a closed network must not hold up a run. */
  answer: number;
  /** Between two pieces of the body, in milliseconds. */
  stall: number;
}

const usual: Timeouts = { answer: 5_000, stall: 30_000 };

interface Context {
  progress: Progress;
  signal?: AbortSignal;
  timeouts?: Timeouts;
}

/**
 * Downloads an asset, verifies it against its publisher's checksum file, and puts its binaries into `bin`. Rejects with Unavailable when it
 * cannot be had; a file that came but is not what its publisher says is another error, which ends the attempt.
 */
export async function download(asset: Asset, bin: string, context: Context): Promise<void> {
  const scratch = await mkdtemp(join(bin, ".download-"));
  try {
    const file = join(scratch, basename(new URL(asset.url).pathname));
    const sums = join(scratch, "checksums");
    await fetchTo(asset.checksums, sums, context);
    await fetchTo(asset.url, file, context);
    await verify(asset, file, sums);
    await unpack(asset, file, bin, context.signal);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The digest of `file` in the text of a checksum file: lines of "DIGEST  NAME", or a lone digest, which is of the one file there is. */
export function findChecksum(text: string, file: string): { algorithm: "sha256" | "sha512"; digest: string } | undefined {
  for (const line of text.split("\n")) {
    const match = /^([0-9a-f]{64}|[0-9a-f]{128})(?:\s+\*?(\S+))?$/i.exec(line.trim());
    if (!match?.[1] || (match[2] !== undefined && basename(match[2]) !== file)) continue;
    return { algorithm: match[1].length === 64 ? "sha256" : "sha512", digest: match[1].toLowerCase() };
  }
  return undefined;
}

async function verify(asset: Asset, file: string, sums: string): Promise<void> {
  const expected = findChecksum(await readFile(sums, "utf8"), basename(file));
  if (!expected) throw new Unavailable(`${asset.checksums} has no checksum of ${basename(file)}`);
  const actual = await hashFile(file, expected.algorithm);
  if (actual === expected.digest) return;
  throw new Error(
    `${asset.url} is not what its publisher says: ${expected.algorithm} is ${actual}, expected ${expected.digest}. ` +
      `Nothing was kept of it; try again, and if it stays so, do not trust the network you are on`,
  );
}

async function unpack(asset: Asset, file: string, bin: string, signal?: AbortSignal): Promise<void> {
  if (!/\.(tar\.gz|tgz)$/.test(file)) {
    for (const binary of asset.binaries) await install(file, join(bin, binary));
    return;
  }
  const members = (await run("tar", ["-tzf", file], { signal })).split("\n");
  for (const binary of asset.binaries) {
    const member = members.find((name) => basename(name) === binary && !name.endsWith("/"));
    if (member === undefined) throw new Unavailable(`${asset.url} has no ${binary} in it`);
    const dir = await mkdtemp(join(bin, ".unpack-"));
    await run("tar", ["-xzf", file, "-C", dir, "--no-same-owner", "--", member], { signal });
    await install(join(dir, member), join(bin, binary));
    await rm(dir, { recursive: true });
  }
}

async function install(from: string, to: string): Promise<void> {
  await chmod(from, 0o755);
  await rename(from, to);
}

async function fetchTo(url: string, file: string, { progress, signal, timeouts = usual }: Context): Promise<void> {
  const { host } = new URL(url);
  const marker = await cacheFile(`unreachable-${host.replace(/[^a-z0-9.-]/gi, "_")}`);
  const age = Date.now() - (await stat(marker).then((found) => found.mtimeMs, () => 0));
  if (age < REMEMBER) throw new Unavailable(`${host} was out of reach ${duration(age)} ago`);

  const started = Date.now();
  const watch = new AbortController();
  let timer = setTimeout(() => watch.abort(new Error(`no answer for ${duration(timeouts.answer)}`)), timeouts.answer);
  const signals = signal ? AbortSignal.any([signal, watch.signal]) : watch.signal;
  try {
    const response = await fetch(url, { signal: signals }).catch(async (error: unknown) => {
      signal?.throwIfAborted();
      await writeFile(marker, "");
      throw new Unavailable(`${host} is out of reach: ${reason(error)}`);
    });
    if (!response.ok || !response.body) throw new Unavailable(`${url}: HTTP status ${response.status}`);
    if (url.startsWith("https:") && !response.url.startsWith("https:")) throw new Unavailable(`${url} leads to ${response.url}: not https`);
    const size = Number(response.headers.get("content-length"));
    let received = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        const far = size > 0 ? `${megabytes(received)} of ${megabytes(size)}` : megabytes(received);
        progress.update(`${basename(file)}: ${far}, ${duration(Date.now() - started)}`);
        clearTimeout(timer);
        timer = setTimeout(() => watch.abort(new Error(`nothing more came for ${duration(timeouts.stall)}`)), timeouts.stall);
        done(null, chunk);
      },
    });
    await pipeline(response.body, meter, createWriteStream(file), { signal: signals }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new Unavailable(`${url} broke off after ${megabytes(received)}: ${reason(watch.signal.reason ?? error)}`);
    });
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says "fetch failed" and hides why in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
