import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { hashFile } from "../../digest.ts";
import { archive, asset, type Properties } from "../shared/properties.ts";
import { select } from "./glob.ts";

/** The files under a folder that globs select: a map from path relative to the folder to asset. */
export async function collectAssets(dir: string, globs: readonly string[]): Promise<Properties> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => relative(dir, join(entry.parentPath, entry.name)));
  const assets: Record<string, Properties> = {};
  for (const path of select(paths.sort(), globs)) {
    const file = join(dir, path);
    assets[path] = asset({ hash: await hashFile(file, "sha256"), path: file });
  }
  return assets;
}

/** The same as one archive; its hash covers the paths and the hashes of the files. */
export async function collectArchive(dir: string, globs: readonly string[]): Promise<Properties> {
  const assets = await collectAssets(dir, globs);
  return archive({ hash: createHash("sha256").update(JSON.stringify(assets)).digest("hex"), assets });
}
