import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

/** SHA-256 (hex) over names and contents. Symlinks count as what they say, not as what they point to. `files` maps name to path. */
export async function digestFiles(files: ReadonlyMap<string, string>): Promise<string> {
  const hash = createHash("sha256");
  for (const [name, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const link = (await lstat(path)).isSymbolicLink();
    const content = link ? `link ${await readlink(path)}` : `file ${await hashFile(path, "sha256")}`;
    hash.update(`${name}\0${content}\n`);
  }
  return hash.digest("hex");
}

export async function hashFile(path: string, algorithm: "sha256" | "sha512"): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
