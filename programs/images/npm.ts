import { createHash } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { run } from "../../shell/run.ts";
import { cached } from "../../toolchain/cache.ts";
import type { Package } from "./packages.ts";

/**
 * The directory of a package: where npm installed it, or, for binaries of another platform, which npm leaves out, a copy in the cache.
 * Throws if it is not there in the version of the lockfile.
 */
export async function packageDirectory(root: string, wanted: Package): Promise<string> {
  const installed = join(root, wanted.path);
  const version = await installedVersion(installed);
  if (version === wanted.version) return installed;
  if (wanted.platformBound) return await fetchPackage(wanted);
  throw new Error(`${installed} is ${version ?? "not there"}, package-lock.json has ${wanted.version}: run npm ci`);
}

async function installedVersion(directory: string): Promise<string | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
    return z.object({ version: z.string() }).parse(manifest).version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function fetchPackage({ name, version, integrity }: Package): Promise<string> {
  return cached(`npm-${name.replace("@", "").replace("/", "+")}-${version}`, async (directory) => {
    const printed = await run("npm", ["pack", "--silent", "--pack-destination", directory, `${name}@${version}`]);
    const tarball = join(directory, printed.trim());
    const sum = `sha512-${createHash("sha512").update(await readFile(tarball)).digest("base64")}`;
    if (!integrity.split(" ").includes(sum)) throw new Error(`${name}@${version} has another checksum than package-lock.json: ${sum}`);
    await run("tar", ["-xzf", tarball, "--strip-components=1", "--no-same-owner", "-C", directory]);
    await rm(tarball);
  });
}
