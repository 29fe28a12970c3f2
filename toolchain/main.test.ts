import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { attempt, run } from "../shell/run.ts";
import { cacheRoot } from "./cache.ts";
import { productKey } from "./products.ts";
import { fakeGo, temporary } from "./testing.ts";

const main = join(import.meta.dirname, "main.ts");

describe("node toolchain/main.ts", () => {
  it("explains itself", async () => {
    const stdout = await run(process.execPath, [main, "provide", "--help"]);
    expect(stdout).toContain("--arch <arch>");
    expect(stdout).toContain(`choices: "engine"`);
  });

  it.each([
    [["provide", "etc"], "Allowed choices are engine, kubernetes"],
    [["provide", "etcd", "--arch", "riscv64"], "Allowed choices are amd64, arm64"],
    [["provide"], "missing required argument 'product'"],
    [["get", "etcd"], "unknown command 'get'"],
  ])("refuses %j with exit code 2", async (args, message) => {
    temporary();
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(cacheRoot())).toBe(false);
  });

  it("prints a line of JSON per product from the cache", async () => {
    temporary();
    const found = { product: "etcd", version: "3.7.3", arch: "arm64", source: "built", digest: "0".repeat(64) };
    const dir = join(cacheRoot(), productKey("etcd", "arm64"));
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "provided.json"), JSON.stringify(found));
    const { stdout, stderr } = await attempt(process.execPath, [main, "provide", "etcd", "etcd", "--arch", "arm64"]);
    expect(stdout).toBe(`${JSON.stringify({ ...found, dir })}\n`.repeat(2));
    expect(stderr).toBe("");
  });

  it("tells how far a build is also where there is no terminal, as in an update", async () => {
    const base = temporary();
    const script = `case $1 in
list) for package in a b c; do echo example.org/$package; done;;
build) for package in a b c; do echo example.org/$package >&2; done; while [ "$1" != -o ]; do shift; done; touch "$2"; sleep 6;;
esac`;
    fakeGo(base, script);
    await mkdir(join(cacheRoot(), ".work"), { recursive: true });
    await writeFile(join(cacheRoot(), ".work/unreachable-github.com"), "");
    const child = spawn(process.execPath, [main, "provide", "coredns", "--arch", "arm64"], { stdio: ["ignore", "ignore", "pipe"] });
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect(code).toBe(0);
    expect(stderr.split("\n").map((line) => line.replace(/\d+ s/, "N s"))).toEqual([
      expect.stringMatching(/^coredns .* building from pinned modules/),
      "coredns: looking for what has to be compiled, N s",
      "coredns: linking, N s",
      expect.stringMatching(/^coredns .* built in N s$/),
      "",
    ]);
  });

  it.each([["SIGINT", 130], ["SIGTERM", 143]] as const)("keeps nothing after %s", async (signal, expected) => {
    const base = temporary();
    fakeGo(base, `case $1 in version) ;; *) echo started >&2; exec sleep 60;; esac`);
    // As if it had been tried: the test makes no connection beyond loopback.
    await mkdir(join(cacheRoot(), ".work"), { recursive: true });
    await writeFile(join(cacheRoot(), ".work/unreachable-github.com"), "");
    const child = spawn(process.execPath, [main, "provide", "coredns", "--arch", "arm64"], { stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.once("data", () => child.kill(signal)); // it said that it builds
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
    expect(code).toBe(expected);
    expect(stderr).toMatch(new RegExp(`^coredns .* building from pinned modules .*\ninterrupted by ${signal}\n$`));
    expect((await readdir(cacheRoot())).sort()).toEqual([".work", "CACHEDIR.TAG"]);
    expect((await readdir(join(cacheRoot(), ".work"))).filter((name) => name.includes("~"))).toEqual([]);
  });
});
