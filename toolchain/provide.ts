import { constants } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cached } from "./cache.ts";
import { digestFiles } from "./digest.ts";
import { download } from "./download.ts";
import { build } from "./go.ts";
import { type Found, findOnPath } from "./path.ts";
import { type Arch, type PluginName, type Product, type ProductName, arches, hostArch, keyOf, pluginAsset, products } from "./products.ts";
import { type Progress, duration, progressOn } from "./progress.ts";
import { Unavailable } from "./unavailable.ts";

const provided = z.object({
  product: z.string(),
  /** Without a "v". */
  version: z.string(),
  arch: z.enum(arches),
  source: z.enum(["path", "download", "built"]),
  /** SHA-256 (hex) over the names and contents of `bin/`. */
  digest: z.string(),
});

/** What an entry of the cache says of itself, and where it is: the binaries are in `dir/bin`. */
export type Provided = z.infer<typeof provided> & { dir: string };

export interface ProvideOptions {
  /** Default: standard error. */
  log?: Progress;
  /** Ends downloads and builds, with nothing kept of them. */
  signal?: AbortSignal;
}

/** Description of an entry, in the entry. */
const RECORD = "provided.json";

/**
 * Provides a product's binaries for an architecture. Three sources, in this order: what is on PATH and new enough; the publisher's
 * download, checksum verified; a build from the pinned modules in `toolchain/<product>/`. All end in the cache. Rejects with an error that
 * names the remedy.
 */
export function provide(name: ProductName, arch: Arch, options: ProvideOptions = {}): Promise<Provided> {
  return provideProduct(products[name], arch, options);
}

/** `provide` for a product that need not be in the table. */
export async function provideProduct(product: Product, arch: Arch, options: ProvideOptions = {}): Promise<Provided> {
  const found = await findOnPath(product, arch, options.signal);
  const dir = found ? await keep(product, arch, found) : await make(product, arch, options);
  const record = provided.parse(JSON.parse(await readFile(join(dir, RECORD), "utf8")));
  return { ...record, dir };
}

/**
 * Downloads a resource plugin of the engine for this machine, checksum verified. Returns the directory whose `bin/` has
 * `pulumi-resource-<name>`, or undefined when it cannot be downloaded.
 */
export async function providePlugin(name: PluginName, version: string, options: ProvideOptions = {}): Promise<string | undefined> {
  const { log = progressOn(process.stderr), signal } = options;
  const title = `plugin ${name} ${version}`;
  const onWait = (): void => log.step(`${title}: waiting for another run that downloads it`);
  const fill = async (dir: string): Promise<void> => {
    const bin = join(dir, "bin");
    await mkdir(bin);
    await download(pluginAsset(name, version, hostArch), bin, { progress: log, ...(signal && { signal }) });
    log.step(`${title}: downloaded`);
  };
  try {
    return await cached(`plugin-${name}-${version}-${hostArch}`, fill, { ...(signal && { signal }), onWait });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    log.step(`${title}: no download (${error.message})`);
    return undefined;
  }
}

/** Copies what is on PATH, since it may change there at any time. Its digest is part of the key. */
async function keep(product: Product, arch: Arch, { version, files }: Found): Promise<string> {
  const digest = await digestFiles(files);
  return cached(`${product.name}-${version}-${arch}-path-${digest.slice(0, 12)}`, async (dir) => {
    const bin = join(dir, "bin");
    await mkdir(bin);
    for (const [name, file] of files) await copyFile(file, join(bin, name), constants.COPYFILE_FICLONE);
    await record(product, arch, version, "path", dir);
  });
}

async function make(product: Product, arch: Arch, { log = progressOn(process.stderr), signal }: ProvideOptions): Promise<string> {
  const title = `${product.name} ${product.version} ${arch}`;
  const onWait = (): void => log.step(`${title}: waiting for another run that makes it`);
  const fill = async (dir: string): Promise<void> => {
    const started = Date.now();
    const source = await downloadOrBuild(product, arch, join(dir, "bin"), log, signal);
    await record(product, arch, product.version, source, dir);
    log.step(`${title}: ${source === "built" ? "built" : "downloaded"} in ${duration(Date.now() - started)}`);
  };
  return cached(keyOf(product, arch), fill, { ...(signal && { signal }), onWait });
}

type Made = Exclude<Provided["source"], "path">;

async function downloadOrBuild(product: Product, arch: Arch, bin: string, log: Progress, signal?: AbortSignal): Promise<Made> {
  const title = `${product.name} ${product.version} ${arch}`;
  const noDownload = await attempt(async () => {
    await mkdir(bin);
    for (const asset of product.download(arch)) await download(asset, bin, { progress: log, ...(signal && { signal }) });
  });
  if (noDownload === undefined) return "download";
  log.step(`${title}: building from pinned modules (${noDownload})`);
  const noBuild = await attempt(async () => {
    await rm(bin, { recursive: true });
    await mkdir(bin);
    await build(product, arch, bin, log, signal);
  });
  if (noBuild === undefined) return "built";
  const go = /^go (\S+)$/m.exec(await readFile(join(product.module, "go.mod"), "utf8"))?.[1];
  throw new Error(
    `${title} is to be had from none of three sources. On PATH: not all of ${product.binaries.join(", ")}, new enough. ` +
      `Download: ${noDownload}. Build: ${noBuild}. Remedy: open the network to that host, or put Go >= ${go} on PATH`,
  );
}

/** Why a source cannot provide; undefined if it did. */
async function attempt(source: () => Promise<void>): Promise<string | undefined> {
  try {
    await source();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

async function record(product: Product, arch: Arch, version: string, source: Provided["source"], dir: string): Promise<void> {
  const bin = join(dir, "bin");
  const digest = await digestFiles(new Map((await readdir(bin)).map((name) => [name, join(bin, name)])));
  const content: z.infer<typeof provided> = { product: product.name, version, arch, source, digest };
  await writeFile(join(dir, RECORD), JSON.stringify(content));
}
