import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { replaceFile, replaceFileSync } from "./atomic-file.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peakdns-file-"));
  file = join(folder, "f");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a file that is replaced", () => {
  test("has one of the texts, whole, when many want to replace it at once: the last", async () => {
    const texts = Array.from({ length: 20 }, (_, i) => Array.from({ length: 50 }, () => `${i}\n`));
    await Promise.all(texts.map((parts) => replaceFile(file, parts)));
    expect(readFileSync(file, "utf8")).toBe(texts.at(-1)!.join(""));
  });

  test("is replaced by the next one when one fails, and stays as it was until then", async () => {
    writeFileSync(file, "old");
    function* broken(): Generator<string> {
      yield "half a ";
      throw new Error("no more");
    }
    const failed = replaceFile(file, broken());
    const next = replaceFile(file, ["new"]);
    await expect(failed).rejects.toThrow("no more");
    expect(["old", "new"]).toContain(readFileSync(file, "utf8"));
    await next;
    expect(readFileSync(file, "utf8")).toBe("new");
  });

  test("is asked for its parts only in its turn", async () => {
    const order: string[] = [];
    function* noting(name: string): Generator<string> {
      order.push(name);
      yield name;
      order.push(`${name} done`);
    }
    await Promise.all([replaceFile(file, noting("a")), replaceFile(file, noting("b"))]);
    expect(order).toEqual(["a", "a done", "b", "b done"]);
  });

  test("is there before anything else is done, if need be", () => {
    writeFileSync(file, "a longer text than the next");
    replaceFileSync(file, "new", 0o600);
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777, existsSync(`${file}.new`)]).toEqual(["new", 0o600, false]);
  });
});
