import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { cacheFile, cacheRoot, cached } from "./cache.ts";
import { digestFiles } from "./digest.ts";
import { type Arch, type Asset, type Product, hostArch } from "./products.ts";
import { providePlugin, provideProduct } from "./provide.ts";
import { acquire } from "./lock.ts";
import { closedUrl, fakeGo, publish, recorder, sha256, temporary } from "./testing.ts";

/** Builds nothing: writes its file as told by -o, and notes that it was called. */
const go = (base: string): string => `
echo "$@" >> ${base}/calls
case $1 in
list) echo example.org/a; echo example.org/b;;
build) echo example.org/a >&2; echo example.org/b >&2; while [ "$1" != -o ]; do shift; done; echo "$GOARCH $CGO_ENABLED $GOFLAGS" > "$2";;
esac`;

async function product(base: string, assets: readonly Asset[]): Promise<Product> {
  const module = join(base, "module");
  await mkdir(module, { recursive: true });
  await writeFile(join(module, "go.mod"), "module tool\n\ngo 1.99.0\n");
  const programs = [{ package: "example.org/tool", file: "all", links: ["tool"] }];
  const build = { programs, tags: ["lean"], variables: { "example.org/tool.Version": "1.2.3" } };
  const described = { name: "tool", version: "1.2.3", binaries: ["tool"], versionArgs: () => ["--version"], compatible: "major" } as const;
  return { ...described, download: () => assets, module, build };
}

async function entries(): Promise<string[]> {
  return (await readdir(cacheRoot())).filter((name) => name.startsWith("tool"));
}

async function leftovers(): Promise<string[]> {
  return (await readdir(join(cacheRoot(), ".work"))).filter((name) => name.includes("~"));
}

describe("provide", () => {
  it("takes the publisher's download, once", async () => {
    const base = temporary();
    const { url, requests } = await publish({ "/tool": "program", "/sums": sha256("program") });
    fakeGo(base, "exit 1");
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const log = recorder();
    const first = await provideProduct(wanted, "arm64", { log });
    expect(first).toMatchObject({ product: "tool", version: "1.2.3", arch: "arm64", source: "download" });
    expect(first.dir).toMatch(/\/tool-1\.2\.3-arm64-[0-9a-f]{12}$/);
    expect(await readFile(join(first.dir, "bin/tool"), "utf8")).toBe("program");
    expect(first.digest).toBe(await digestFiles(new Map([["tool", join(first.dir, "bin/tool")]])));
    expect(log.steps).toEqual([expect.stringMatching(/^tool 1\.2\.3 arm64: downloaded in \d+ s$/)]);
    expect(await provideProduct(wanted, "arm64", { log })).toEqual(first);
    expect(requests).toEqual(["/sums", "/tool"]);
  });

  it("builds when the network is closed", async () => {
    const base = temporary();
    fakeGo(base, go(base));
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const log = recorder();
    const built = await provideProduct(wanted, "arm64", { log });
    expect(built.source).toBe("built");
    expect((await readdir(join(built.dir, "bin"))).sort()).toEqual(["all", "tool"]);
    expect(await readFile(join(built.dir, "bin/tool"), "utf8")).toBe("arm64 0 -mod=readonly\n");
    const calls = (await readFile(join(base, "calls"), "utf8")).split("\n");
    expect(calls[0]).toBe("version");
    const flags = "-trimpath -buildvcs=false -tags lean -ldflags -s -w -X example.org/tool.Version=1.2.3";
    expect(calls[2]?.replace(/ -o \S+/, "")).toBe(`build ${flags} -v example.org/tool`);
    expect(log.steps[0]).toMatch(/^tool 1\.2\.3 arm64: building from pinned modules \(127\.0\.0\.1:\d+ is out of reach/);
    expect(log.updates).toContainEqual(expect.stringMatching(/^tool: compiled 1 of 2 packages, 0 s$/));
  });

  it("makes a new entry when the architecture, a module file or a flag changes", async () => {
    const base = temporary();
    fakeGo(base, go(base));
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const dirs = new Set<string>();
    const make = async (made: Product, arch: Arch): Promise<void> => {
      dirs.add((await provideProduct(made, arch, { log: recorder() })).dir);
    };
    await make(wanted, "arm64");
    await make(wanted, "amd64");
    await make({ ...wanted, build: { programs: wanted.build.programs } }, "arm64");
    await writeFile(join(wanted.module, "go.sum"), "changed");
    await make(wanted, "arm64");
    expect(dirs.size).toBe(4);
  });

  it("tells that it builds when another build, for which it had to wait, has ended", async () => {
    const base = temporary();
    fakeGo(base, go(base));
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const log = recorder();
    const other = await acquire(await cacheFile("build.lock"));
    const provided = provideProduct(wanted, "arm64", { log });
    await vi.waitFor(() => expect(log.steps.at(-1)).toBe("tool: waiting for another build to end"));
    expect(log.updates).toEqual([]);
    other[Symbol.dispose]();
    await provided;
    expect(log.steps.slice(1)).toEqual([
      "tool: waiting for another build to end",
      "tool: building",
      expect.stringMatching(/^tool 1\.2\.3 arm64: built in/),
    ]);
  });

  it("does not build what came corrupted, and keeps nothing", async () => {
    const base = temporary();
    fakeGo(base, go(base));
    const { url } = await publish({ "/tool": "virus", "/sums": sha256("program") });
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    await expect(provideProduct(wanted, "arm64", { log: recorder() })).rejects.toThrow(`expected ${sha256("program")}`);
    expect(existsSync(join(base, "calls"))).toBe(false);
    expect(await entries()).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    ["there is no Go", undefined, "there is no Go on PATH"],
    ["Go is too old", "echo 'go: go.mod requires go >= 1.99.0 (running go 1.26.8; GOTOOLCHAIN=local)' >&2; exit 1", "running go 1.26.8"],
  ])("names what is wrong with each source and the remedy when %s", async (_, script, message) => {
    const base = temporary();
    if (script === undefined) vi.stubEnv("PATH", "/does/not/exist");
    else fakeGo(base, script);
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const failed = provideProduct(wanted, "arm64", { log: recorder() });
    await expect(failed).rejects.toThrow(/On PATH: not all of tool, new enough\. Download: 127\.0\.0\.1:\d+ is out of reach/);
    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toThrow("put Go >= 1.99.0 on PATH");
    expect(await leftovers()).toEqual([]);
  });

  it("shows what the compiler said", async () => {
    const base = temporary();
    fakeGo(base, `if [ $1 = build ]; then echo 'main.go:1: syntax error' >&2; exit 1; fi`);
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    await expect(provideProduct(wanted, "arm64", { log: recorder() })).rejects.toThrow(/^go build .* ended with status 1:\nmain\.go:1: syntax error$/m);
    expect(await entries()).toEqual([]);
  });

  it("stops a build on abort and keeps nothing", async () => {
    const base = temporary();
    const controller = new AbortController();
    fakeGo(base, `[ $1 = build ] && { echo example.org/a >&2; sleep 60; }; exit 0`);
    const url = await closedUrl();
    const wanted = await product(base, [{ url: `${url}/tool`, checksums: `${url}/sums`, binaries: ["tool"] }]);
    const log = { step: () => {}, update: (text: string) => text.includes("linking") && controller.abort(new Error("interrupted")) };
    await expect(provideProduct(wanted, "arm64", { log, signal: controller.signal })).rejects.toThrow("interrupted");
    expect(await entries()).toEqual([]);
    expect(await leftovers()).toEqual([]);
  });

  it("prefers what is on PATH, and copies it", async () => {
    const base = temporary();
    await mkdir(join(base, "path"));
    await copyFile(process.execPath, join(base, "path/tool")); // the one program that is sure to be here
    vi.stubEnv("PATH", `${join(base, "path")}:/usr/bin:/bin`);
    const download = vi.fn(() => []);
    const wanted = { ...(await product(base, [])), version: process.versions.node, download };
    const found = await provideProduct(wanted, hostArch, { log: recorder() });
    expect(found).toMatchObject({ source: "path", version: process.versions.node });
    expect(found.dir).toContain(`-${hostArch}-path-${found.digest.slice(0, 12)}`);
    expect(await readdir(join(found.dir, "bin"))).toEqual(["tool"]);
    expect(download).not.toHaveBeenCalled();
    vi.stubEnv("PATH", `${join(found.dir, "bin")}:/usr/bin:/bin`); // our own copy is no find
    expect((await provideProduct(wanted, hostArch, { log: recorder() })).source).not.toBe("path");
  });
});

describe("providePlugin", () => {
  it("gives nothing when the publisher is out of reach", async () => {
    temporary();
    // As if it had been tried: the test makes no connection beyond loopback.
    await writeFile(await cacheFile("unreachable-github.com"), "");
    const log = recorder();
    expect(await providePlugin("random", "4.21.2", { log })).toBeUndefined();
    expect(log.steps).toEqual([expect.stringMatching(/^plugin random 4\.21\.2: no download \(github\.com was out of reach/)]);
  });

  it("gives what was downloaded before", async () => {
    temporary();
    const dir = await cached(`plugin-random-4.21.2-${hostArch}`, async () => {});
    expect(await providePlugin("random", "4.21.2", { log: recorder() })).toBe(dir);
  });
});
