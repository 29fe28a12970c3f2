import { z } from "zod";
import type { Arch } from "../../toolchain/products.ts";

const names = z.record(z.string(), z.string()).optional();
const platforms = z.union([z.string(), z.array(z.string())]).optional();

const lockfile = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      dependencies: names,
      optionalDependencies: names,
      peerDependencies: names,
      peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).optional(),
      os: platforms,
      cpu: platforms,
      libc: platforms,
    }),
  ),
});

/** A package-lock.json of version 3, as far as images need it. */
export type Lockfile = z.infer<typeof lockfile>;

type Entry = Lockfile["packages"][string];

/** A package at its place in the tree of the lockfile. */
export interface Package {
  /** Where it is installed, e.g. `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of its tarball. */
  readonly integrity: string;
  /** It holds binaries for some platforms, and npm installs it only on those. */
  readonly platformBound: boolean;
}

/** Parses the text of a package-lock.json; throws if it is not one of version 3. */
export function parseLockfile(text: string): Lockfile {
  const result = lockfile.safeParse(JSON.parse(text));
  if (!result.success) throw new Error(`package-lock.json: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** What the package `name` of the project itself resolves to. Throws if the lockfile has none. */
export function projectPackage(lock: Lockfile, name: string): Package {
  const path = resolve(lock, "", name);
  if (path === undefined) throw new Error(`package-lock.json has no package ${name}: add it with npm install`);
  return describe(lock, path);
}

/**
 * The packages that `roots` need to run on Linux with glibc and `arch`, sorted by path: themselves, their dependencies and required
 * peers, and of the optional ones those that are made for that platform. Pure.
 */
export function productionPackages(lock: Lockfile, roots: Iterable<string>, arch: Arch): Package[] {
  const found = new Map<string, Package>();
  const pending = [...roots].map((name) => projectPackage(lock, name).path);
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (found.has(path)) continue;
    found.set(path, describe(lock, path));
    const entry = lock.packages[path]!;
    const optional = entry.optionalDependencies ?? {};
    for (const name of Object.keys({ ...entry.dependencies, ...requiredPeers(entry), ...optional })) {
      const dependency = resolve(lock, path, name);
      if (dependency !== undefined && runsOn(lock.packages[dependency]!, arch)) pending.push(dependency);
      else if (!Object.hasOwn(optional, name)) {
        throw new Error(`package-lock.json: ${path} needs ${name}, which is ${dependency ? `not for Linux on ${arch}` : "not there"}`);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Node's resolution over the paths of the lockfile: beside the package, then in each folder above. */
function resolve(lock: Lockfile, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (Object.hasOwn(lock.packages, path)) return path;
    if (folder === "") return undefined;
  }
}

function describe(lock: Lockfile, path: string): Package {
  const { version, integrity, os, cpu } = lock.packages[path]!;
  if (version === undefined || integrity === undefined) {
    throw new Error(`package-lock.json: ${path} has no version and integrity; images take packages of a registry only`);
  }
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  return { path, name, version, integrity, platformBound: os !== undefined || cpu !== undefined };
}

function requiredPeers({ peerDependencies = {}, peerDependenciesMeta = {} }: Entry): Record<string, string> {
  return Object.fromEntries(Object.entries(peerDependencies).filter(([name]) => !peerDependenciesMeta[name]?.optional));
}

function runsOn({ os, cpu, libc }: Entry, arch: Arch): boolean {
  return allows(os, "linux") && allows(cpu, arch === "amd64" ? "x64" : arch) && allows(libc, "glibc");
}

/** npm's rule: a list of names allows those, a list of `!names` all but those. */
function allows(list: string | string[] | undefined, name: string): boolean {
  const values = list === undefined ? [] : [list].flat();
  return !values.includes(`!${name}`) && (values.includes(name) || values.every((value) => value.startsWith("!")));
}
