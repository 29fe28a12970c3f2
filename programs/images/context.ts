import { isBuiltin } from "node:module";
import { posix } from "node:path";
import type { Arch } from "../../toolchain/products.ts";
import type { Part } from "./hash.ts";
import { imports } from "./imports.ts";
import { type Package, parseLockfile, productionPackages } from "./packages.ts";

/** A file to be, with its path relative to the context. */
export interface ContextFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/** The project's files. Paths are relative to its root, with `/`. */
export interface Tree {
  /** Throws if there is no such file. */
  read(path: string): { readonly bytes: Uint8Array; readonly executable: boolean };
  /** The files below a folder. */
  list(folder: string): string[];
}

/** All that an image's build sees, apart from products and the base. */
export interface Context {
  readonly dockerfile: Uint8Array;
  readonly files: readonly ContextFile[];
  readonly packages: readonly Package[];
}

const MODULE = /\.[mc]?[jt]s$/;

/**
 * Node needs to be told that the modules below are ES modules; the project's own package.json would change with every unrelated package.
 */
const MANIFEST: ContextFile = { path: "package.json", bytes: Buffer.from('{"type":"module"}\n'), executable: false };

/**
 * The context of a Node program: the modules that `entry` reaches, the packages these import with all that those need on `arch`, and a
 * package.json. The Dockerfile is the one beside the entry. Throws, naming both sides, if a module imports what is not there.
 */
export function entryContext(tree: Tree, entry: string, arch: Arch): Context {
  const files = new Map<string, ContextFile>([[MANIFEST.path, MANIFEST]]);
  const packages = new Set<string>();
  const pending = [{ path: entry, importer: "the image" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, importer } = next;
    if (files.has(path)) continue;
    const file = readImported(tree, path, importer);
    files.set(path, { path, ...file });
    if (!MODULE.test(path)) continue;
    for (const specifier of imports(path, Buffer.from(file.bytes).toString())) {
      if (specifier.startsWith("./") || specifier.startsWith("../")) {
        pending.push({ path: posix.join(posix.dirname(path), specifier), importer: path });
      } else if (!isBuiltin(specifier)) packages.add(packageName(specifier));
    }
  }
  const needed = packages.size === 0 ? [] : productionPackages(parseLockfile(text(tree, "package-lock.json")), packages, arch);
  return { dockerfile: tree.read(posix.join(posix.dirname(entry), "Dockerfile")).bytes, files: [...files.values()], packages: needed };
}

/** The context of a folder with a Dockerfile: the files beside that. */
export function folderContext(tree: Tree, folder: string): Context {
  const dockerfile = posix.join(folder, "Dockerfile");
  const paths = tree.list(folder).filter((path) => path !== dockerfile);
  return {
    dockerfile: tree.read(dockerfile).bytes,
    files: paths.map((path) => ({ path: posix.relative(folder, path), ...tree.read(path) })),
    packages: [],
  };
}

/** What the content tag of an image with this context is made of. */
export function contextParts({ dockerfile, files, packages }: Context): Part[] {
  return [
    { kind: "base", name: "Dockerfile", content: dockerfile },
    ...files.map(({ path, bytes, executable }): Part => ({ kind: "file", name: path, content: bytes, executable })),
    ...packages.map(({ path, version, integrity }): Part => ({ kind: "package", name: path, content: `${version} ${integrity}` })),
  ];
}

function readImported(tree: Tree, path: string, importer: string): ReturnType<Tree["read"]> {
  try {
    if (path.startsWith("../")) throw new Error("it is outside of the project");
    return tree.read(path);
  } catch (error) {
    throw new Error(`${importer} needs ${path}, which cannot be read: ${(error as Error).message}`);
  }
}

function text(tree: Tree, path: string): string {
  return Buffer.from(tree.read(path).bytes).toString();
}

function packageName(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
