import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { run } from "../shell/run.ts";
import { acquire, tryAcquire } from "./lock.ts";

/** Directory below the root for locks and for entries that are being made. A key cannot start with a dot, so it is no key. */
const WORK = ".work";

/** https://bford.info/cachedir/: backup tools skip a directory with this file, and it tells us that a directory is ours to empty. */
const TAG = "CACHEDIR.TAG";
const TAG_OWNER = "# Cache of Peak";
const TAG_TEXT = `Signature: 8a477f597d28d172789f06886806bc55\n${TAG_OWNER}: \`./peak destroy --purge\` empties it.\n`;

const KEY = /^[a-z0-9][a-z0-9._+-]{0,199}$/i;

export interface CachedOptions {
  /** Ends the wait for another run that makes the same entry. A producer that works for long should listen to it as well. */
  signal?: AbortSignal;
  /** Called once when another run is making the entry and this one waits for it. */
  onWait?: () => void;
}

/** Where the cache lives: $PEAK_CACHE, else $XDG_CACHE_HOME/peak, else ~/.cache/peak. Throws if PEAK_CACHE is not an absolute path. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.PEAK_CACHE) return absolute("PEAK_CACHE", env.PEAK_CACHE);
  // The XDG specification says to ignore a relative path.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, "peak");
  return join(homedir(), ".cache", "peak");
}

/**
 * The directory `<cacheRoot()>/<key>`, made by `produce` if it is not there yet.
 *
 * `produce` fills an empty directory (mode 0755) on the same file system, which is renamed into place when it resolves: an entry is either
 * whole or absent. Runs at once make it once; the others wait. What a killed run left is removed. If `produce` rejects, nothing is kept.
 * The key names all that the content depends on (product, version, architecture, hash of the inputs): entries never change.
 */
export async function cached(key: string, produce: (dir: string) => Promise<void>, options: CachedOptions = {}): Promise<string> {
  if (!KEY.test(key)) throw new Error(`cache key "${key}": use letters, digits and . _ + -, starting with a letter or digit`);
  const root = cacheRoot();
  const entry = join(root, key);
  if (await exists(entry)) return entry;

  const work = await prepare(root);
  using _lock = await acquire(lockFile(work, key), options);
  if (await exists(entry)) return entry; // made while we waited
  await sweep(work, key);

  // A random name: children of a killed run may still write to the old one.
  const dir = await mkdtemp(join(work, `${key}~`));
  try {
    await chmod(dir, 0o755);
    await produce(dir);
    await flush(dir);
    await rename(dir, entry);
  } catch (error) {
    await remove(dir);
    throw error;
  }
  return entry;
}

/** Path of a small file of the cache's own, such as a marker or a lock. It goes when the cache is purged. */
export async function cacheFile(name: string): Promise<string> {
  return join(await prepare(cacheRoot()), name);
}

/**
 * Empties the cache. Returns the keys of entries that another run is making right now: those stay. Refuses a directory that is not a Peak
 * cache, so that a mistaken PEAK_CACHE costs nothing.
 */
export async function purge(): Promise<{ busy: string[] }> {
  const root = cacheRoot();
  if (!(await exists(root))) return { busy: [] };
  await isOurs(root);
  const work = join(root, WORK);
  const busy = await sweep(work);
  for (const name of await readdir(root)) {
    if (name !== WORK && name !== TAG) await remove(join(root, name));
  }
  if (busy.length === 0) await remove(root);
  return { busy };
}

/** Removes unfinished directories whose maker is gone; returns the keys of those whose maker is alive. The lock of `held` is ours. */
async function sweep(work: string, held?: string): Promise<string[]> {
  const busy = new Set<string>();
  for (const name of await list(work)) {
    const at = name.lastIndexOf("~");
    if (at < 0) continue;
    const key = name.slice(0, at);
    using lock = key === held ? undefined : tryAcquire(lockFile(work, key));
    if (lock || key === held) await remove(join(work, name));
    else busy.add(key);
  }
  return [...busy];
}

async function prepare(root: string): Promise<string> {
  const work = join(root, WORK);
  if (await isOurs(root)) return work;
  await mkdir(work, { recursive: true });
  using _lock = await acquire(lockFile(work, TAG));
  await writeFile(join(work, TAG), TAG_TEXT);
  await rename(join(work, TAG), join(root, TAG));
  return work;
}

/** Whether the root has our tag. Throws if it has none and is somebody else's directory. */
async function isOurs(root: string): Promise<boolean> {
  // Listed before the tag is read: another run may be making the tag just now, and makes nothing else before it.
  const strangers = (await list(root)).filter((name) => name !== WORK);
  if ((await readFile(join(root, TAG), "utf8").catch(() => "")).includes(TAG_OWNER)) return true;
  if (strangers.length === 0) return false;
  throw new Error(`${root} is no Peak cache: it has ${strangers[0]} in it. Set PEAK_CACHE to an empty directory, or to a new one`);
}

/** Data reaches the disk before the name does, or a power cut could leave an entry of empty files. Node has no syncfs(2). */
async function flush(dir: string): Promise<void> {
  await run("sync", ["-f", dir]);
}

/** A process that outlived its killed parent may still add files while we remove them, hence the retries. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function lockFile(work: string, key: string): string {
  return join(work, `${key}.lock`);
}

function absolute(variable: string, path: string): string {
  if (!isAbsolute(path)) throw new Error(`${variable}=${path}: must be an absolute path`);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function list(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
