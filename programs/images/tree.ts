import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Tree } from "./context.ts";

/** The project's files on disk. Synchronous, for the Pulumi program computes tags while it makes resources. */
export function diskTree(root: string): Tree {
  return {
    read: (path) => ({ bytes: readFileSync(join(root, path)), executable: (statSync(join(root, path)).mode & 0o100) !== 0 }),
    list: (folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, "/")),
  };
}
