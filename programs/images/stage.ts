import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "../../shell/run.ts";
import type { Context } from "./context.ts";
import { packageDirectory } from "./npm.ts";
import { stripped, strippedPath } from "./strip.ts";

/** A binary of a product: where it is on this machine, and where it goes in the context. */
export interface StagedProduct {
  readonly from: string;
  readonly to: string;
}

/** Lays a context out in an empty directory, for a builder to read; modules as plain JavaScript. `root` is the project's. */
export async function stage(directory: string, root: string, context: Context, products: readonly StagedProduct[]): Promise<void> {
  for (const { path, bytes, executable } of context.files) {
    const content = path.endsWith(".ts") ? stripped(path, Buffer.from(bytes).toString()) : bytes;
    await writeFile(await place(directory, strippedPath(path)), content, { mode: executable ? 0o755 : 0o644 });
  }
  for (const wanted of context.packages) {
    // Packages nested in this one are in the list themselves, if they are needed.
    const filter = (path: string) => basename(path) !== "node_modules";
    const source = await packageDirectory(root, wanted);
    const target = await place(directory, wanted.path);
    await cp(source, target, { recursive: true, verbatimSymlinks: true, filter: (path) => path === source || filter(path) });
  }
  for (const { from, to } of products) await copyFile(from, await place(directory, to));
  // What the umask of this machine made unreadable would be unreadable for the image's user.
  await run("chmod", ["-R", "u=rwX,go=rX", directory]);
}

async function place(directory: string, path: string): Promise<string> {
  const target = join(directory, path);
  await mkdir(dirname(target), { recursive: true });
  return target;
}
