import { constants } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cached } from "./cache.ts";
import { digestFiles } from "./digest.ts";
import { download } from "./download.ts";
import { build } from "./go.ts";
import { type Found, findOnPath } from "./path.ts";
import { type Arch, type PluginName, type Product, type ProductName, arches, keyOf, pluginAsset, pluginBinary, products } from "./products.ts";
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
 * Provides a product's binaries for an architecture. Three sources, in this order: what is on PATH and new enough; the publisher's download, checksum
 * verified; a build from the pinned modules in `toolchain/<product>/`. All end in the cache. Rejects with an error that names the remedy.
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
 * Downloads a resource plugin of the engine, checksum verified. Returns the directory whose `bin/` has `pulumi-resource-<name>`, or undefined when it
 * cannot be downloaded.
 */
export async function providePlugin(name: PluginName, version: string, arch: Arch, { log = progressOn(process.stderr), signal }: ProvideOptions): Promise<string | undefined> {
  const title = `plugin ${name} ${version}`;
  try {
    return await cached(`plugin-${name}-${version}-${arch}`, async (dir) => {
      const bin = join(dir, "bin");
      await mkdir(bin);
      await download(pluginAsset(name, version, arch), bin, { progress: log, ...(signal && { signal }) });
      log.step(`${title}: downloaded ${pluginBinary(name)}`);
    }, { ...(signal && { signal }), onWait: () => log.step(`${title}: waiting for another run that downloads it`) });
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
  const options = { ...(signal && { signal }), onWait: () => log.step(`${title}: waiting for another run that makes it`) };
  return cached(keyOf(product, arch), async (dir) => {
    const started = Date.now();
    const source = await fill(product, arch, join(dir, "bin"), title, { log, ...(signal && { signal }) });
    await record(product, arch, product.version, source, dir);
    log.step(`${title}: ${source === "download" ? "downloaded" : "built"} in ${duration(Date.now() - started)}`);
  }, options);
}

async function fill(product: Product, arch: Arch, bin: string, title: string, { log = progressOn(process.stderr), signal }: ProvideOptions): Promise<"download" | "built"> {
  const context = { progress: log, ...(signal && { signal }) };
  let noDownload: string;
  try {
    await mkdir(bin);
    for (const asset of product.download(arch)) await download(asset, bin, context);
    return "download";
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    noDownload = error.message;
    await rm(bin, { recursive: true, force: true });
  }
  try {
    await mkdir(bin);
    log.step(`${title}: building from pinned modules (${noDownload})`);
    await build(product, arch, bin, log, signal);
    return "built";
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    const wanted = /^go (\S+)$/m.exec(await readFile(join(product.module, "go.mod"), "utf8"))?.[1];
    throw new Error(
      `${title} is to be had from none of three sources. On PATH: not all of ${product.binaries.join(", ")}, new enough. ` +
        `Download: ${noDownload}. Build: ${error.message}. Remedy: open the network to that host, or put Go >= ${wanted} on PATH`,
    );
  }
}

async function record(product: Product, arch: Arch, version: string, source: Provided["source"], dir: string): Promise<void> {
  const bin = join(dir, "bin");
  const digest = await digestFiles(new Map((await readdir(bin)).map((name) => [name, join(bin, name)])));
  await writeFile(join(dir, RECORD), JSON.stringify({ product: product.name, version, arch, source, digest } satisfies z.infer<typeof provided>));
}
