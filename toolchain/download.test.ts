import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { download, findChecksum } from "./download.ts";
import { closedUrl, publish, recorder, serve, sha256, tarball, temporary } from "./testing.ts";
import { Unavailable } from "./unavailable.ts";

const body = "program";

async function bin(base: string): Promise<string> {
  const dir = join(base, "bin");
  await mkdir(dir);
  return dir;
}

describe("download", () => {
  it("fetches a program that is the file itself", async () => {
    const dir = await bin(temporary());
    const { url } = await publish({ "/tool": body, "/tool.sha256": sha256(body) });
    const progress = recorder();
    await download({ url: `${url}/tool`, checksums: `${url}/tool.sha256`, binaries: ["tool"] }, dir, { progress });
    expect(await readdir(dir)).toEqual(["tool"]);
    expect(await readFile(join(dir, "tool"), "utf8")).toBe(body);
    expect((await stat(join(dir, "tool"))).mode & 0o777).toBe(0o755);
    expect(progress.updates.at(-1)).toMatch(/^tool: 0\.0 MB of 0\.0 MB, 0 s$/);
  });

  it("takes the named programs out of an archive, wherever they are", async () => {
    const base = temporary();
    const dir = await bin(base);
    const archive = tarball(base, { "a-1.0/one": "1", "a-1.0/sub/two": "2", "a-1.0/README": "no" });
    const { url } = await publish({ "/a.tar.gz": archive, "/SUMS": `${sha256("x")}  b.tar.gz\n${sha256(archive)} *a.tar.gz\n` });
    await download({ url: `${url}/a.tar.gz`, checksums: `${url}/SUMS`, binaries: ["one", "two"] }, dir, { progress: recorder() });
    expect((await readdir(dir)).sort()).toEqual(["one", "two"]);
    expect(await readFile(join(dir, "two"), "utf8")).toBe("2");
  });

  it.each([
    ["another file", "virus"],
    ["a truncated file", body.slice(0, -1)],
  ])("refuses %s, names both checksums and keeps nothing", async (_, served) => {
    const dir = await bin(temporary());
    const { url } = await publish({ "/tool": served, "/tool.sha256": `${sha256(body)}  tool\n` });
    const refused = download({ url: `${url}/tool`, checksums: `${url}/tool.sha256`, binaries: ["tool"] }, dir, { progress: recorder() });
    await expect(refused).rejects.toThrow(`sha256 is ${sha256(served)}, expected ${sha256(body)}`);
    await expect(refused).rejects.not.toBeInstanceOf(Unavailable);
    expect(await readdir(dir)).toEqual([]);
  });

  it.each([
    ["the file is missing", { "/SUMS": `${sha256(body)}  tool` }, /tool: HTTP status 404$/],
    ["the checksum file is missing", { "/tool": body }, /SUMS: HTTP status 404$/],
    ["the checksum file has other files only", { "/tool": body, "/SUMS": `${sha256(body)}  other` }, /has no checksum of tool$/],
  ])("is unavailable when %s", async (_, files, message) => {
    const dir = await bin(temporary());
    const { url } = await publish(files);
    const refused = download({ url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] }, dir, { progress: recorder() });
    await expect(refused).rejects.toThrow(Unavailable);
    await expect(refused).rejects.toThrow(message);
    expect(await readdir(dir)).toEqual([]);
  });

  it("is unavailable when an archive lacks a program", async () => {
    const base = temporary();
    const archive = tarball(base, { one: "1" });
    const { url } = await publish({ "/a.tgz": archive, "/SUMS": `${sha256(archive)}  a.tgz` });
    const asset = { url: `${url}/a.tgz`, checksums: `${url}/SUMS`, binaries: ["two"] };
    const refused = download(asset, await bin(base), { progress: recorder() });
    await expect(refused).rejects.toThrow(/a.tgz has no two in it/);
  });

  it("is unavailable when the connection breaks off", async () => {
    const dir = await bin(temporary());
    const url = await serve((request, response) => {
      if (request.url === "/SUMS") return void response.end(`${sha256(body)}  tool`);
      response.writeHead(200, { "content-length": 1000 });
      response.write("half", () => response.destroy());
    });
    const refused = download({ url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] }, dir, { progress: recorder() });
    await expect(refused).rejects.toThrow(/tool broke off after 0\.0 MB/);
    await expect(refused).rejects.toThrow(Unavailable);
    expect(await readdir(dir)).toEqual([]);
  });

  it("is unavailable when nothing more comes", async () => {
    const url = await serve((_, response) => void response.writeHead(200).write("half"));
    const asset = { url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] };
    const refused = download(asset, await bin(temporary()), { progress: recorder(), timeouts: { answer: 5000, stall: 50 } });
    await expect(refused).rejects.toThrow(/broke off .*nothing more came/);
  });

  it("remembers a host that refuses connections", async () => {
    const url = await closedUrl();
    const asset = { url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] };
    const dir = await bin(temporary());
    await expect(download(asset, dir, { progress: recorder() })).rejects.toThrow(/127\.0\.0\.1:\d+ is out of reach: .*ECONNREFUSED/);
    await expect(download(asset, dir, { progress: recorder() })).rejects.toThrow(/was out of reach 0 s ago/);
  });

  it("remembers a host that does not answer", async () => {
    let requests = 0;
    const url = await serve(() => requests++);
    const asset = { url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] };
    const dir = await bin(temporary());
    const context = { progress: recorder(), timeouts: { answer: 100, stall: 100 } };
    await expect(download(asset, dir, context)).rejects.toThrow(/is out of reach: no answer/);
    await expect(download(asset, dir, context)).rejects.toThrow(Unavailable);
    expect(requests).toBe(1);
  });

  it("stops on abort, which says nothing about the host", async () => {
    const dir = await bin(temporary());
    const controller = new AbortController();
    const url = await serve(() => controller.abort(new Error("interrupted")));
    const asset = { url: `${url}/tool`, checksums: `${url}/SUMS`, binaries: ["tool"] };
    const context = { progress: recorder(), signal: controller.signal };
    await expect(download(asset, dir, context)).rejects.toThrow("interrupted");
    await expect(download(asset, dir, context)).rejects.toThrow("interrupted");
    expect(await readdir(dir)).toEqual([]);
  });
});

describe("findChecksum", () => {
  const a = "a".repeat(64);
  it.each([
    [`${a}  tool`, a],
    [`${a} *./dist/tool\n`, a],
    [a.toUpperCase(), a],
    [`# comment\r\n${"b".repeat(64)}  tool.asc\r\n${a}  tool\r\n`, a],
    [`${"c".repeat(128)}  tool`, "c".repeat(128)],
    [`${a}  other`, undefined],
    ["d".repeat(40), undefined],
    ["<html>", undefined],
    ["", undefined],
  ])("in %j is %s", (text, digest) => expect(findChecksum(text, "tool")?.digest).toBe(digest));

  it("finds a file among others, in any order", () => {
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 64, maxLength: 64 });
    const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,20}$/);
    const entries = fc.uniqueArray(fc.tuple(name, hex), { minLength: 1, selector: ([file]) => file });
    fc.assert(
      fc.property(entries, (files) => {
        const text = files.map(([file, digest]) => `${digest}  ${file}`).join("\n");
        for (const [file, digest] of files) expect(findChecksum(text, file)).toEqual({ algorithm: "sha256", digest });
      }),
    );
  });
});
