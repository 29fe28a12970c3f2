import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { cacheRoot, cached, purge } from "./cache.ts";

let base: string;
let root: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "peak-cache-"));
  root = join(base, "cache");
  vi.stubEnv("PEAK_CACHE", root);
});

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  vi.unstubAllEnvs();
  await rm(base, { recursive: true, force: true });
});

/** A process that makes the entry by the given body, where `dir` is the directory to fill. */
function producer(key: string, body: string): ChildProcess {
  const code = `
    import { cached } from ${JSON.stringify(new URL("cache.ts", import.meta.url).href)};
    import { appendFileSync, writeFileSync } from "node:fs";
    await cached(${JSON.stringify(key)}, async (dir) => { ${body} });
    process.exit(0);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

const fill = async (dir: string): Promise<void> => writeFile(join(dir, "file"), "whole");
const leftovers = async (): Promise<string[]> => (await readdir(join(root, ".work"))).filter((name) => name.includes("~"));

describe("cacheRoot", () => {
  it.each([
    [{ PEAK_CACHE: "/a", XDG_CACHE_HOME: "/b" }, "/a"],
    [{ XDG_CACHE_HOME: "/b" }, "/b/peak"],
    [{ PEAK_CACHE: "", XDG_CACHE_HOME: "/b" }, "/b/peak"],
  ])("%o is %s", (env, expected) => expect(cacheRoot(env)).toBe(expected));

  it("is in the home directory by default", () => expect(cacheRoot({ XDG_CACHE_HOME: "relative" })).toMatch(/\/\.cache\/peak$/));
  it("refuses a relative path", () => expect(() => cacheRoot({ PEAK_CACHE: "a" })).toThrow("PEAK_CACHE=a: must be an absolute path"));
});

describe("cached", () => {
  it("makes an entry once", async () => {
    const produce = vi.fn(fill);
    const dir = await cached("entry-1", produce);
    expect(dir).toBe(join(root, "entry-1"));
    expect(await cached("entry-1", produce)).toBe(dir);
    expect(produce).toHaveBeenCalledTimes(1);
    expect(await readFile(join(dir, "file"), "utf8")).toBe("whole");
    expect((await stat(dir)).mode & 0o777).toBe(0o755);
    expect(await leftovers()).toEqual([]);
  });

  it.each(["", ".hidden", "a/b", "../a", "a~b", "a b"])("refuses the key %j", async (key) => {
    await expect(cached(key, fill)).rejects.toThrow("cache key");
  });

  it("keeps nothing of a producer that fails, and tries again", async () => {
    const failing = cached("entry", async (dir) => {
      await fill(dir);
      throw new Error("no space");
    });
    await expect(failing).rejects.toThrow("no space");
    expect(await leftovers()).toEqual([]);
    await expect(stat(join(root, "entry"))).rejects.toThrow("ENOENT");
    await cached("entry", fill);
  });

  it("lets callers in one process share one producer", async () => {
    const produce = vi.fn(fill);
    const dirs = await Promise.all(Array.from({ length: 5 }, () => cached("entry", produce)));
    expect(new Set(dirs)).toEqual(new Set([join(root, "entry")]));
    expect(produce).toHaveBeenCalledTimes(1);
  });

  it("lets processes that start at once share one producer", async () => {
    const trace = join(base, "trace");
    const body = `
      appendFileSync(${JSON.stringify(trace)}, "made\\n");
      await new Promise((done) => setTimeout(done, 300));
      writeFileSync(dir + "/file", "whole");`;
    const runs = Array.from({ length: 4 }, () => producer("entry", body));
    const codes = await Promise.all(runs.map(async (run) => (await once(run, "exit"))[0]));
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(await readFile(trace, "utf8")).toBe("made\n");
  });

  it("makes different entries at the same time", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await Promise.all([
      cached("first", async () => promise),
      cached("second", async () => resolve()),
    ]);
    expect((await readdir(root)).sort()).toEqual([".work", "CACHEDIR.TAG", "first", "second"]);
  });

  it("takes over from a producer that was killed, and removes what it left, whatever is made next", async () => {
    const body = `writeFileSync(dir + "/half", ""); console.log("half"); await new Promise((done) => setTimeout(done, 60_000));`;
    for (const next of ["entry", "another"]) {
      const child = producer("entry", body);
      await once(child.stdout!, "data");
      child.kill("SIGKILL");
      await once(child, "exit");
      expect(await leftovers()).toHaveLength(1);
      expect(await readdir(await cached(next, fill))).toEqual(["file"]);
      expect(await leftovers()).toEqual([]);
      await rm(join(root, "entry"), { recursive: true, force: true });
    }
  });

  it("tells that it waits, and stops waiting on abort", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = cached("entry", async () => {
      begun.resolve();
      await promise;
    });
    await begun.promise;
    const controller = new AbortController();
    const onWait = vi.fn(() => controller.abort(new Error("interrupted")));
    await expect(cached("entry", fill, { signal: controller.signal, onWait })).rejects.toThrow("interrupted");
    expect(onWait).toHaveBeenCalledTimes(1);
    resolve();
    await first;
  });

  it("does not mix with files that are not its own", async () => {
    await mkdir(root);
    await writeFile(join(root, "thesis.tex"), "");
    await expect(cached("entry", fill)).rejects.toThrow(`${root} is no Peak cache: it has thesis.tex in it`);
  });
});

describe("purge", () => {
  it("removes the cache and what a killed run left in it", async () => {
    await cached("entry", fill);
    await mkdir(join(root, ".work", "other~abc"));
    expect(await purge()).toEqual({ busy: [] });
    await expect(stat(root)).rejects.toThrow("ENOENT");
  });

  it("is content with no cache at all", async () => expect(await purge()).toEqual({ busy: [] }));

  it("leaves an entry that is being made", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const making = cached("slow", async (dir) => {
      started.resolve();
      await promise;
      await fill(dir);
    });
    await cached("entry", fill);
    await started.promise;
    expect(await purge()).toEqual({ busy: ["slow"] });
    resolve();
    expect(await readdir(await making)).toEqual(["file"]);
    await expect(stat(join(root, "entry"))).rejects.toThrow("ENOENT");
  });

  it("refuses a directory that is not a Peak cache", async () => {
    await mkdir(root);
    await writeFile(join(root, "thesis.tex"), "");
    await expect(purge()).rejects.toThrow("is no Peak cache");
    expect(await readdir(root)).toEqual(["thesis.tex"]);
  });
});
